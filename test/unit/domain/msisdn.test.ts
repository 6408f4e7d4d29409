import * as fc from 'fast-check';

import { nationalDigits, parseMsisdn } from '../../../src/domain/msisdn';

const READ = { ok: true, e164: '+221771234567' };

/** National numbers of Senegal's mobile operators. */
const nationals = fc
  .tuple(fc.constantFrom('70', '75', '76', '77', '78'), fc.integer({ min: 0, max: 9_999_999 }))
  .map(([prefix, rest]) => prefix + String(rest).padStart(7, '0'));

const SPACES = [' ', '\u00a0', '\u202f', '\u2009', '\u3000'];
const FORMAT = ['\u200b', '\u200e', '\u202a', '\u202c', '\u2068', '\u2069', '\ufeff', '\u00ad'];
const spaces = fc.array(fc.constantFrom(...SPACES), { maxLength: 2 }).map((each) => each.join(''));

/** Digits with spaces anywhere between them. */
function spaced(digits: string): fc.Arbitrary<string> {
  return fc.array(spaces, { minLength: digits.length - 1, maxLength: digits.length - 1 }).map((between) =>
    Array.from(digits)
      .map((digit, index) => digit + (between[index] ?? ''))
      .join(''),
  );
}

/** Groups of two to four digits, at least three of them, apart by one and the same sign. */
function grouped(digits: string): fc.Arbitrary<string> {
  const splits = (length: number): number[][] =>
    length === 0
      ? [[]]
      : [2, 3, 4].flatMap((size) => (size > length ? [] : splits(length - size).map((rest) => [size, ...rest])));
  const sizes = splits(digits.length).filter((split) => split.length >= 3);
  return fc.tuple(fc.constantFrom(...sizes), fc.constantFrom('.', '-', '\u2010', '\u2011')).map(([split, sign]) => {
    let at = 0;
    return split.map((size) => digits.slice(at, (at += size))).join(sign);
  });
}

const codes = fc.constantFrom('+221', '00221', '(221)', '(+221)');
const afterCode = fc.constantFrom('', ' ', '\u00a0', '.', '-', '\u2011');
const around = fc.array(fc.constantFrom(...SPACES, ...FORMAT), { maxLength: 2 }).map((each) => each.join(''));

const spellings = nationals.chain((national) =>
  fc
    .tuple(
      fc.oneof(
        fc.oneof(spaced(national), grouped(national), fc.constant(national)),
        fc
          .tuple(codes, afterCode, fc.oneof(spaced(national), grouped(national), fc.constant(national)))
          .map((parts) => parts.join('')),
        fc.oneof(fc.constant(`221${national}`), spaced(`221${national}`), grouped(`221${national}`)),
      ),
      around,
      fc.constantFrom('', "'"),
      around,
      around,
    )
    .map(([core, outer, mark, inner, after]) => ({ national, spelling: outer + mark + inner + core + after })),
);

describe('a recipient of Senegal', () => {
  test.each([
    ['+221771234567'],
    ['221771234567'],
    ['00221771234567'],
    ['771234567'],
    ['77 123 45 67'],
    ['+221 77 123 45 67'],
    ['(+221) 77 123 45 67'],
    ['(221)771234567'],
    ['(221) 77-123-45-67'],
    ['+221-771234567'],
    ['77-123-45-67'],
    ['77.123.45.67'],
    ['221.77.123.45.67'],
    // As a spreadsheet, a chat or a copied web page gives it.
    ["'+221771234567"],
    ['\u202a771234567\u202c'],
    ['\u2068771234567\u2069'],
    ['771234567\u200b'],
    ['\u200e+221771234567'],
    ['\ufeff771234567'],
    ['77\u2011123\u201145\u201167'],
    ['77\u00a0123\u00a045\u00a067'],
    ['77\u202f123\u202f45\u202f67'],
    [' 771234567 '],
  ])('%j is read as +221771234567', (input) => {
    expect(parseMsisdn(input, 'SN')).toEqual(READ);
  });

  test.each([['+221701234567'], ['+221751234567'], ['+221761234567'], ['+221781234567'], ['+221711310001']])(
    'every mobile operator is taken: %s',
    (input) => {
      expect(parseMsisdn(input, 'SN')).toEqual({ ok: true, e164: input });
    },
  );

  test.each([
    [''],
    ['abc'],
    ['77123456'],
    // Money follows what is read here: nothing is picked out of text, of two numbers or of an extension.
    ['771234567x89'],
    ['771234567;ext=89'],
    ['call 771234567 now'],
    ['tel:+221771234567'],
    ['7712345678'],
    ['+2217712345678'],
    ['+22177123456'],
    ['(221) 77123456'],
    ['+221338210000'],
    ['338210000'],
    ['733131000'],
    ['791310008'],
    ['0771234567'],
    ['+2210771234567'],
    ['+221'],
    ['+'],
    ['0'],
    ['1'.repeat(300)],
    [' '.repeat(70_000)],
    ['٧٧١٢٣٤٥٦٧'],
    ['７７１２３４５６７'],
  ])('%.40j is refused: not a mobile number', (input) => {
    expect(parseMsisdn(input, 'SN')).toEqual({ ok: false, problem: 'not_a_mobile_number' });
  });

  test.each([
    ['77123456.0'],
    ['7712399.00'],
    ['771230003.0'],
    ['771234567,0'],
    ['+22177140007.0'],
    ['22177123456.0'],
    ['78 123 45.6 7'],
    ['77-12345.67'],
    ['771940-00.0'],
  ])("%j is refused as a spreadsheet's decimal", (input) => {
    expect(parseMsisdn(input, 'SN')).toEqual({ ok: false, problem: 'spreadsheet_decimal' });
  });

  test.each([['2.21771E+11'], ['2,21771E+11'], ['7.71E+08'], ['7.71e8'], ['77E7'], ['+2.21771234567E+11']])(
    '%j is refused for its exponent',
    (input) => {
      expect(parseMsisdn(input, 'SN')).toEqual({ ok: false, problem: 'exponent' });
    },
  );

  test.each([
    ['77\ufeff1231005', 'U+FEFF'],
    ['+221\ufe0e771231009', 'U+FE0E'],
    ['77\u200b 123 45 67', 'U+200B'],
    ['77\t1234567', 'U+0009'],
    ['771234567\n', 'U+000A'],
    ['771234567\u0000', 'U+0000'],
    ['77\u{e0001}1234567', 'U+E0001'],
  ])('%j is refused naming the invisible character', (input, character) => {
    expect(parseMsisdn(input, 'SN')).toEqual({ ok: false, problem: 'invisible_character', character });
  });

  test.each([
    ['77/123/10/11'],
    ['77194000 - 0'],
    ['77194000..0'],
    ['7712345(6)7'],
    ['77123456-7-'],
    ['77-1234567'],
    ['77.1234567'],
    ['77-123.45-67'],
    ['7-7-1-2-3-4-5-6-7'],
    ['77--123--45--67'],
    ['(77) 123-45-67'],
    ['+221 (77) 123 45 67'],
    ['781234567, 771234567'],
    ['+221 77123456 - 7'],
  ])('%j is refused for its separators', (input) => {
    expect(parseMsisdn(input, 'SN')).toEqual({ ok: false, problem: 'separators' });
  });

  test.each([['+2250707123456'], ['2250707123456'], ['+33612345678'], ['+22370123456'], ['0033 6 12 34 56 78']])(
    '%s is refused: another country',
    (input) => {
      expect(parseMsisdn(input, 'SN')).toEqual({ ok: false, problem: 'other_country' });
    },
  );

  test('every spelling of the grammar gives the number that it spells', () => {
    fc.assert(
      fc.property(spellings, ({ national, spelling }) => {
        expect(parseMsisdn(spelling, 'SN')).toEqual({ ok: true, e164: `+221${national}` });
      }),
      { numRuns: 2_000 },
    );
  });

  /** What spreadsheets, typing errors and pasted text make of a number that lacks digits, or has all of them. */
  const tails = fc.constantFrom(
    '.0',
    '.00',
    ',0',
    '.5',
    ' .0',
    '. 0',
    '..0',
    ' - 0',
    '-0',
    '-',
    '.',
    '/0',
    'E+0',
    'e0',
    '(0)',
  );

  test('no number with the tail of a decimal, an exponent or a lone sign is ever read', () => {
    fc.assert(
      fc.property(
        nationals,
        fc.integer({ min: 0, max: 3 }),
        fc.constantFrom('', '+221', '00221', '221', '(221) '),
        tails,
        (national, missing, code, tail) => {
          const kept = national.slice(0, national.length - missing);
          expect(parseMsisdn(`${code}${kept}${tail}`, 'SN').ok).toBe(false);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('a spelling into which one more sign is put is refused, or is the same number', () => {
    const signs = fc.constantFrom(
      '.',
      ',',
      '-',
      '/',
      '+',
      '(',
      ')',
      'e',
      '\u200b',
      '\ufe0f',
      "'",
      '\n',
      ' ',
      '\u2013',
      ';',
      'x',
    );
    fc.assert(
      fc.property(spellings, signs, fc.nat(60), ({ national, spelling }, sign, place) => {
        const at = place % (spelling.length + 1);
        const parsed = parseMsisdn(spelling.slice(0, at) + sign + spelling.slice(at), 'SN');
        if (parsed.ok) expect(parsed.e164).toBe(`+221${national}`);
      }),
      { numRuns: 2_000 },
    );
  });

  test('what is read has the very digits of the input, whatever the input is', () => {
    const soup = fc
      .array(
        fc.constantFrom(
          ...Array.from('0123456789'),
          '77',
          '221',
          '+',
          '00',
          '(',
          ')',
          ' ',
          '.',
          '-',
          '\u200e',
          "'",
          'E',
        ),
        {
          maxLength: 24,
        },
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(soup, (input) => {
        const parsed = parseMsisdn(input, 'SN');
        if (!parsed.ok) return;
        const digits = input.replaceAll(/\D/g, '');
        expect([digits, digits.replace(/^(?:00)?221/, '')]).toContain(nationalDigits(parsed.e164));
      }),
      { numRuns: 5_000 },
    );
  });

  test('goes to Orange as the nine national digits', () => {
    expect(nationalDigits('+221771234567')).toBe('771234567');
  });

  test('what is no number has no national digits, and the error does not show it', () => {
    expect(() => nationalDigits('nonsense')).toThrow(/^not an E\.164 number$/);
  });
});
