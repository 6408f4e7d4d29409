import fc from 'fast-check';
import { cleanCode, cleanReference, cleanText } from '../../../src/providers/clean-words';

describe('a text of a provider', () => {
  it('loses every run of four digits or more, also one written in groups', () => {
    const shown = cleanText('77 123 45 67, 77.123.45.67, 771234567, 77-12-34, ٧٧١٢٣, code 123')?.replace(/\s+/g, ' ');
    expect(shown).toBe('…, …, …, …, …, code 123');
  });

  it('never shows four digits in a row, is no longer than 200 characters and holds no control character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('7', '0', ' ', '.', '\n', '\u0000', 'é', '👛'), maxLength: 500 }),
        (text) => {
          const cleaned = cleanText(text)!;
          expect(cleaned).not.toMatch(/\d{4}/);
          expect(cleaned).not.toMatch(/\p{Cc}/u);
          expect(Array.from(cleaned).length).toBeLessThanOrEqual(200);
          expect(cleaned).not.toMatch(/\p{Cs}/u);
        },
      ),
    );
  });

  it.each([null, undefined])('may be missing (%p)', (text) => {
    expect(cleanText(text)).toBeNull();
  });
});

it('a code is a short number or a word', () => {
  expect(['2011', '51', 'PRE_INITIATED', 'invalid_client'].map(cleanCode)).toEqual([
    '2011',
    '51',
    'PRE_INITIATED',
    'invalid_client',
  ]);
  expect(['771234567', 'a b', '', '\u0000', null, undefined].map(cleanCode)).toEqual([
    null,
    null,
    null,
    null,
    null,
    null,
  ]);
});

it('a reference is visible ASCII of up to 64 characters', () => {
  expect(cleanReference('CI220928.1029.C58502')).toBe('CI220928.1029.C58502');
  expect(['', 'a b', '\u0000', 'é', 'x'.repeat(65), null].map(cleanReference)).toEqual([
    null,
    null,
    null,
    null,
    null,
    null,
  ]);
});
