import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface LockedPackage {
  version?: string;
  optionalDependencies?: Record<string, string>;
}

const text = readFileSync(join(__dirname, '..', '..', 'package-lock.json'), 'utf8');
const { packages } = JSON.parse(text) as { packages: Record<string, LockedPackage> };

// npm 11 leaves out what its registry does not have, and then `npm ci` refuses the file: npm/cli issue 9846. Add such an
// entry by hand: version, cpu, os, optional.
test('every optional dependency has an entry with a version, so that npm ci takes the file on any platform', () => {
  const wanted = Object.values(packages).flatMap((locked) => Object.keys(locked.optionalDependencies ?? {}));
  const entries = Object.entries(packages);
  const isLocked = (name: string): boolean =>
    entries.some(([path, { version }]) => path.endsWith(`node_modules/${name}`) && version !== undefined);
  expect(wanted.filter((name) => !isLocked(name))).toEqual([]);
  expect(wanted.length).toBeGreaterThan(0);
});

test('no registry is written into it', () => {
  expect(text).not.toContain('"resolved": "http');
});
