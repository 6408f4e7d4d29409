import fc from 'fast-check';
import { parse } from 'csv-parse/sync';

import { csvRow } from '../../src/api/csv-row';

describe('a row of a CSV that we write', () => {
  test.each(['=1+1', '+221771234567', '-5', '@cmd', '\tx', '\rx'])('%j is no formula in it', (value) => {
    const [[cell]] = parse(csvRow([value, 1])) as [[string]];
    expect(cell).toBe(`'${value}`);
  });

  test('any other text is read back as it was', () => {
    const harmless = fc.string({ unit: 'grapheme' }).filter((value) => !/^[=+\-@\t\r]/.test(value));
    fc.assert(
      fc.property(fc.array(harmless, { minLength: 2, maxLength: 5 }), (cells) => {
        expect(parse(csvRow(cells))).toEqual([cells]);
      }),
    );
  });

  test('numbers stay numbers, and nothing is an empty cell', () => {
    expect(csvRow([-5, null, 'x'])).toBe('-5,,x\r\n');
  });
});
