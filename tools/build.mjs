import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runQuietly } from './child.mjs';
import { step } from './step.mjs';

/** Compiles src/ to dist/ and bundles the workflows, unless dist/ was made from exactly these sources and packages. */
export async function buildIfStale(root) {
  const stampFile = join(root, 'dist', '.built');
  const stamp = hashOfSources(root);
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  const node = (...args) => runQuietly(process.execPath, args, { cwd: root });
  await step('compile', () => node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'));
  await step('bundle workflows', () => node('tools/bundle-workflows.mjs'));
  writeFileSync(stampFile, stamp);
}

function hashOfSources(root) {
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', 'tools/bundle-workflows.mjs'];
  const hash = createHash('sha256');
  for (const file of [...sources, ...settings.map((name) => join(root, name))]) {
    hash.update(file.slice(root.length)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}
