import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';

const ROOT = path.join(__dirname, '..', '..');

interface Snippet {
  file: string;
  code: string;
}

/** The rules that each snippet breaks. */
async function lint(snippets: readonly Snippet[]): Promise<readonly string[][]> {
  const child = spawn(process.execPath, [path.join(__dirname, 'lint-snippets.mjs')], { cwd: ROOT });
  child.stdin.end(JSON.stringify(snippets));
  const [answer, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (answer === '') throw new Error(complaint);
  return JSON.parse(answer) as string[][];
}

/** A file of a folder of src/ that imports these; what it imports exists, so that the arrow alone is judged. */
function importing(folder: string, from: string, kind: 'value' | 'type' = 'value'): Snippet {
  const code =
    kind === 'type'
      ? `import type * as it from '${from}';\nexport type It = typeof it;\n`
      : `import * as it from '${from}';\nexport const which = it;\n`;
  return { file: path.join(ROOT, 'src', folder, 'snippet.ts'), code };
}

const PATHS = 'import-x/no-restricted-paths';
const IMPORTS = 'no-restricted-imports';
const TYPES_ONLY = '@typescript-eslint/no-restricted-imports';

const FORBIDDEN: readonly [folder: string, from: string, rule: string][] = [
  ['domain', '../db/pool', PATHS],
  ['domain', '../config', PATHS],
  ['domain', 'node:crypto', IMPORTS],
  ['domain', 'zod', IMPORTS],
  ['domain', '@temporalio/common', IMPORTS],
  ['workflows', '../db/pool', PATHS],
  ['workflows', '../providers/provider', PATHS],
  ['workflows', '../activities/failures', TYPES_ONLY],
  ['workflows', 'node:fs', IMPORTS],
  ['workflows', 'fs', IMPORTS],
  ['workflows', '@temporalio/client', IMPORTS],
  ['providers/orange', '../../db/pool', PATHS],
  ['providers/orange', '../../simulators/orange/index', PATHS],
  ['db', '../providers/provider', PATHS],
  ['vault', '../activities/failures', PATHS],
  ['temporal', '../workflows/payout', PATHS],
  ['activities', '../providers/orange/index', PATHS],
  ['activities', '../api/app', PATHS],
  ['api', '../activities/activities', PATHS],
  ['api', '../providers/orange/index', PATHS],
  ['api', '../workflows/payout', PATHS],
  ['api/routes', '../../activities/activities', PATHS],
  ['ops', '../workflows/payout', PATHS],
  ['simulators/orange', '../../providers/orange/index', PATHS],
  ['simulators/orange', '../../domain/msisdn', PATHS],
  ['bulk-client', '../api/bulk-object', PATHS],
  ['bulk-client', '../db/pool', PATHS],
];

const LEGAL: readonly [folder: string, from: string][] = [
  ['domain', './money'],
  ['workflows', '../domain/resume'],
  ['workflows', '@temporalio/workflow'],
  ['providers/orange', '../../domain/outcome'],
  ['providers/orange', '../provider'],
  ['db', '../domain/payout-state'],
  ['temporal', '../workflows/contract'],
  ['activities', '../db/pool'],
  ['activities', '../providers/provider'],
  ['api', '../workflows/contract'],
  ['api/routes', '../../db/pool'],
  ['ops', '../vault/vault'],
  ['bulk-client', '../domain/bulk'],
  ['start', '../bulk-client/api'],
];

describe('an import is refused by lint', () => {
  let broken: readonly string[][];

  beforeAll(async () => {
    broken = await lint(FORBIDDEN.map(([folder, from]) => importing(folder, from)));
  });

  test.each(FORBIDDEN.map((row, index) => [...row, index] as const))('%s → %s (%s)', (_folder, _from, rule, index) => {
    expect(broken[index]).toEqual([rule]);
  });
});

describe('an import is legal', () => {
  let broken: readonly string[][];

  beforeAll(async () => {
    broken = await lint(LEGAL.map(([folder, from]) => importing(folder, from)));
  });

  test.each(LEGAL.map((row, index) => [...row, index] as const))('%s → %s', (_folder, _from, index) => {
    expect(broken[index]).toEqual([]);
  });
});

test('workflows may import the type of the activities, and nothing else of them', async () => {
  const from = '../activities/activities';
  const [type, value] = await lint([importing('workflows', from, 'type'), importing('workflows', from)]);
  expect(type).toEqual([]);
  expect(value).toEqual([TYPES_ONLY]);
});

test('every folder has its arrows: none but the processes sees deps.ts', async () => {
  const folders = readdirSync(path.join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const broken = await lint(folders.map(({ name }) => importing(name, '../deps')));
  expect(Object.fromEntries(folders.map(({ name }, index) => [name, broken[index]]))).toEqual(
    Object.fromEntries(folders.map(({ name }) => [name, [PATHS]])),
  );
});
