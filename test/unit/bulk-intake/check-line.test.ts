import { checkLine } from '../../../src/api/bulk-body/check-line';
import { columnOf, readHeader } from '../../../src/api/bulk-body/csv-columns';

const good = {
  ...{ amount: '1000', currency: 'XOF', method: 'orange_sn', recipient: { msisdn: '771234567' } },
  customer: { email: 'awa@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
};

const errorsOf = (fields: unknown): string[] => {
  const checked = checkLine(fields);
  return checked.ok ? [] : checked.errors.map(({ path, code }) => `${path.join('.')} ${code}`).toSorted();
};

const changed: readonly (readonly [string, object, readonly string[]])[] = [
  ['nothing', {}, []],
  ['what may be null', { reference: null, description: null, metadata: null }, []],
  ['a number as amount', { amount: 1000 }, []],
  ['decimals', { amount: '10.5' }, ['amount not_valid']],
  ['a number that has lost digits', { amount: 2 ** 53 }, ['amount not_valid']],
  ['an amount of nothing', { amount: 0 }, ['amount not_valid']],
  ['an amount that is no amount', { amount: null }, ['amount not_valid']],
  ['another currency', { currency: 'EUR' }, ['currency not_valid']],
  ['a method that is none', { method: 'nobody_sn' }, ['method not_valid']],
  ['a number of another country', { recipient: { msisdn: '+33612345678' } }, ['recipient.msisdn not_valid']],
  ['a recipient that is a text', { recipient: '771234567' }, ['recipient not_valid']],
  ['no customer', { customer: undefined }, ['customer missing']],
  [
    'an empty customer',
    { customer: {} },
    ['customer.email missing', 'customer.first_name missing', 'customer.last_name missing'],
  ],
  ['control characters', { description: 'a\u0000b' }, ['description not_valid']],
  ['metadata that is no text', { metadata: { a: 1 } }, ['metadata.a not_valid']],
  ['what belongs to the whole', { scheduled_at: '2030-01-31T09:00:00Z' }, ['scheduled_at unknown_field']],
  [
    'what a line has no right to',
    { reference_unique: true },
    ['reference not_valid', 'reference_unique unknown_field'],
  ],
  [
    'everything at once',
    { amount: '-1', currency: 'EUR', recipient: { msisdn: '12', name: 'x' }, customer: { email: 'x' } },
    [
      'amount not_valid',
      'currency not_valid',
      'customer.email not_valid',
      'customer.first_name missing',
      'customer.last_name missing',
      'recipient.msisdn not_valid',
      'recipient.name unknown_field',
    ],
  ],
];

test.each(changed)('a good line with %s', (_name, change, errors) => {
  expect(errorsOf({ ...good, ...change })).toEqual(errors);
});

test.each([[null], [[]], ['text'], [5]])('%j is no line', (fields) => {
  expect(errorsOf(fields)).toEqual([' not_valid']);
});

test('every empty cell of a CSV that is mandatory is named by its column', () => {
  const names = ['amount', 'currency', 'method', 'msisdn', 'email', 'first_name', 'last_name'];
  const checked = checkLine(readHeader(names).toFields(names.map(() => ' ')));
  const missing = checked.ok ? [] : checked.errors.filter(({ code }) => code === 'missing');
  expect(missing.map(({ path }) => columnOf(path)).toSorted()).toEqual(names.toSorted());
});

test('names that the sender made up are not told where they may be values', () => {
  const fields = { ...good, '771234567': 1, 'a secret': 2, metadata: { '+221771234567': 5 } };
  expect(errorsOf(fields)).toEqual(['? unknown_field', '? unknown_field', 'metadata.? not_valid']);
});

test('the amount of a bad line is told where it can be read', () => {
  expect(checkLine({ ...good, currency: 'EUR' })).toMatchObject({ ok: false, amount: 1000n });
  expect(checkLine({ ...good, amount: 'x' })).toMatchObject({ ok: false, amount: null });
});
