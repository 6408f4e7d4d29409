import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { GENERATED_FILES } from './docs/generated-files';

/** Writes the files that are made from code. */
for (const [file, generate] of Object.entries(GENERATED_FILES)) {
  writeFileSync(path.join(__dirname, '..', file), generate());
  process.stdout.write(`wrote ${file}\n`);
}
