import { parse } from 'csv-parse/sync';
import * as fc from 'fast-check';

import { csvRow } from '../../../src/api/csv-row';
import { unmarkFormula } from '../../../src/spreadsheets/formula-mark';

test.each(['=1+1', '+221771234567', '-5', '@SUM(A1)', '\tx', '\rx', '=HYPERLINK("http://x";"y")'])(
  'a cell that a spreadsheet would run never lands raw: %j',
  (value) => {
    const [cells]: string[][] = parse(csvRow([value]));
    expect(cells).toEqual([`'${value}`]);
  },
);

test('any cells read back as they were, but for the apostrophe before a formula', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 2, maxLength: 6 }), (cells) => {
      const read: string[][] = parse(csvRow(cells), { record_delimiter: '\r\n' });
      expect(read).toEqual([cells.map((cell) => (/^'*[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell))]);
      // And as they were, by our own reader.
      expect(read[0]!.map(unmarkFormula)).toEqual(cells);
      expect(read[0]!.some((cell) => /^[=+\-@\t\r]/.test(cell))).toBe(false);
    }),
  );
});

test('numbers stay numbers, nothing is an empty cell, and a row ends as RFC 4180 says', () => {
  expect(csvRow([1, -2, null, 'a', 'b"c', 'd,e', 'f;g', 'h\ni'])).toBe('1,-2,,a,"b""c","d,e","f;g","h\ni"\r\n');
});
