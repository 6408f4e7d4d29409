import { nationalDigits, parseMsisdn } from '../../../src/domain/msisdn';

describe('a recipient of Senegal', () => {
  test.each([
    ['+221771234567'],
    ['221771234567'],
    ['00221771234567'],
    ['771234567'],
    ['77 123 45 67'],
    ['+221 77 123 45 67'],
    ['(77) 123-45-67'],
  ])('%s is read as +221771234567', (input) => {
    expect(parseMsisdn(input, 'SN')).toEqual({ ok: true, e164: '+221771234567' });
  });

  test.each([['+221701234567'], ['+221751234567'], ['+221761234567'], ['+221781234567']])(
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
    ['781234567, 771234567'],
    ['771234567x89'],
    ['771234567;ext=89'],
    ['call 771234567 now'],
    ['771234567\u0000'],
    ['771234567\n'],
    ['tel:+221771234567'],
    ['7712345678'],
    ['+2217712345678'],
    ['+22177123456'],
    ['+221338210000'],
    ['338210000'],
    ['+221'],
    ['+'],
    ['0'],
    ['1'.repeat(300)],
  ])('%s is refused: not a mobile number', (input) => {
    expect(parseMsisdn(input, 'SN')).toEqual({ ok: false, problem: 'not_a_mobile_number' });
  });

  test.each([['+2250707123456'], ['2250707123456'], ['+33612345678'], ['+22370123456']])(
    '%s is refused: another country',
    (input) => {
      expect(parseMsisdn(input, 'SN')).toEqual({ ok: false, problem: 'other_country' });
    },
  );

  test('goes to Orange as the nine national digits', () => {
    expect(nationalDigits('+221771234567')).toBe('771234567');
  });

  test('what is no number has no national digits, and the error does not show it', () => {
    expect(() => nationalDigits('nonsense')).toThrow(/^not an E\.164 number$/);
  });
});
