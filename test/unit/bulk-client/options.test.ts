import { parseBulkArgs, UsageError } from '../../../src/bulk-client/options';

test('a file alone is sent with the defaults of the API, and watched', () => {
  expect(parseBulkArgs(['may.csv'])).toEqual({
    ...{ kind: 'send', connection: {}, file: 'may.csv', options: {}, dryRun: false, wait: true },
    giveUpAfterMs: 1_800_000,
  });
});

test('every option reaches the address under its wire name', () => {
  const flags = [
    ...['--description', 'Wages', '--scheduled-at', '2027-01-04T09:00:00Z', '--notify', 'each'],
    ...['--on-invalid', 'skip', '--allow-duplicates', '3,7', '--reference-unique', '--dry-run', '--no-wait'],
    ...['--idempotency-key', 'may-2026', '--result', 'out.csv', '--key', 'k', '--api', 'https://pay.example.com'],
  ];
  expect(parseBulkArgs([...flags, 'may.csv'])).toEqual({
    kind: 'send',
    connection: { key: 'k', api: 'https://pay.example.com' },
    file: 'may.csv',
    options: {
      description: 'Wages',
      scheduled_at: '2027-01-04T09:00:00Z',
      notify: 'each',
      on_invalid: 'skip',
      allow_duplicates: '3,7',
      reference_unique: 'true',
    },
    dryRun: true,
    wait: false,
    idempotencyKey: 'may-2026',
    result: 'out.csv',
    giveUpAfterMs: 1_800_000,
  });
});

test('a bulk is watched by its id, the template and the help are printed', () => {
  expect(parseBulkArgs(['--watch', 'bulk_01m8', '--result', 'out.csv'])).toEqual({
    ...{ kind: 'watch', connection: {}, bulkId: 'bulk_01m8', result: 'out.csv' },
    giveUpAfterMs: 1_800_000,
  });
  expect(parseBulkArgs(['--template'])).toEqual({ kind: 'template' });
  expect(parseBulkArgs(['--help'])).toEqual({ kind: 'help' });
  expect(parseBulkArgs([])).toEqual({ kind: 'help' });
});

test('a person decides by the id of a bulk; a file named like the word is still sent', () => {
  expect(parseBulkArgs(['approve', 'bulk_01m8', '--file', 'may.csv'])).toEqual({
    ...{ kind: 'approve', connection: {}, bulkId: 'bulk_01m8', file: 'may.csv' },
  });
  expect(parseBulkArgs(['refuse', 'bulk_01m8', '--reason', 'twice'])).toEqual({
    ...{ kind: 'refuse', connection: {}, bulkId: 'bulk_01m8', reason: 'twice' },
  });
  expect(parseBulkArgs(['approvals'])).toEqual({ kind: 'approvals', connection: {} });
  expect(parseBulkArgs(['approve'])).toMatchObject({ kind: 'send', file: 'approve' });
  expect(parseBulkArgs(['may.csv', '--give-up-after', '0'])).toMatchObject({ giveUpAfterMs: Infinity });
});

test.each([
  [['refuse', 'bulk_01m8'], 'say why with --reason'],
  [['approve', 'po_01m8'], 'approve: "po_01m8" is no id'],
  [['approve', 'bulk_01m8', 'bulk_01m9'], 'approve: give one id'],
  [['may.csv', '--give-up-after', 'soon'], '--give-up-after'],
  [['--description', 'Wages'], 'name the file'],
  [['may.csv', 'june.csv'], 'one file at a time'],
  [['may.csv', '--twice'], "'--twice'"],
  [['may.csv', '--notify', 'all'], '--notify: take one of each, summary, none'],
  [['may.csv', '--on-invalid', 'ignore'], '--on-invalid: take one of reject, skip'],
  [['may.csv', '--allow-duplicates', '3;7'], '--allow-duplicates'],
  [['may.csv', '--idempotency-key', 'two words'], '--idempotency-key'],
  [['may.csv', '--watch', 'bulk_01m8'], '--watch takes the id of a bulk and no file'],
  [['--watch', 'po_01m8'], '--watch: "po_01m8" is no id'],
])('%j is refused: %s', (args, message) => {
  expect(() => parseBulkArgs(args)).toThrow(UsageError);
  expect(() => parseBulkArgs(args)).toThrow(message);
});
