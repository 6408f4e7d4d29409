import { readFileSync } from 'node:fs';
import path from 'node:path';

import { CSV_COLUMNS } from '../../../src/api/bulk-body/csv-columns';
import { CSV_TEMPLATE } from '../../../src/bulk-client/template';
import { parseMsisdn } from '../../../src/domain/msisdn';

const PAGE = readFileSync(path.join(__dirname, '../../../docs/bulk.md'), 'utf8');
const [header = [], ...lines] = CSV_TEMPLATE.trim()
  .split('\n')
  .map((line) => line.split(';'));

test('the template in docs/bulk.md is the one that `npm run bulk -- --template` prints', () => {
  expect(/```csv\n([^`]+)```/.exec(PAGE)?.[1]).toBe(CSV_TEMPLATE);
});

test('docs/bulk.md names every column, and the template has no other', () => {
  for (const column of CSV_COLUMNS) expect(PAGE).toContain(`\`${column}\``);
  expect(CSV_COLUMNS).toEqual(expect.arrayContaining(header));
});

test('an example line that was left in pays nobody', () => {
  const recipients = lines.map((line) => line[header.indexOf('msisdn')] ?? '');
  expect(recipients.map((recipient) => parseMsisdn(recipient, 'SN').ok)).toEqual([false, false]);
});
