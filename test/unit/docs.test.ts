import { readFileSync } from 'node:fs';
import path from 'node:path';

import { GENERATED_FILES } from '../../src/docs/generated-files';

test.each(Object.keys(GENERATED_FILES))('%s is what `npm run docs` makes of the code', (file) => {
  const written = readFileSync(path.join(__dirname, '../..', file), 'utf8');
  expect(written).toBe(GENERATED_FILES[file]?.());
});
