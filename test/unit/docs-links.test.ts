import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';

import { CONFIG_SCHEMA } from '../../src/config';
import { COMMANDS, KEYLESS_COMMANDS } from '../../src/ops/commands';
import { LOOK_COMMANDS } from '../../src/ops/look/commands';
import { PORT_NAMES, portVariable } from '../../src/start/start-options';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/contract';

const ACTING = { ...COMMANDS, ...KEYLESS_COMMANDS };

/** By one name there may be a command that looks and one that acts. */
const ALL_COMMANDS: Readonly<Record<string, { options: object }>> = Object.fromEntries(
  [...new Set([...Object.keys(ACTING), ...Object.keys(LOOK_COMMANDS)])].map((name) => [
    name,
    { options: { ...LOOK_COMMANDS[name]?.options, ...ACTING[name as keyof typeof ACTING]?.options } },
  ]),
);

const ROOT = join(__dirname, '..', '..');

/** Variables that are not the configuration of a process of ours, each read somewhere else. */
const OTHER_VARIABLES = [
  'CAURI_API_URL',
  'CAURI_OPERATOR_KEY',
  'CAURI_API_KEY',
  'TEMPORAL_CLI_PATH',
  'POSTGRES_PASSWORD',
  'TEMPORAL_DB_PASSWORD',
  ...PORT_NAMES.map(portVariable),
];

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The first group of each match. */
function found(pattern: RegExp, text: string): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1]!);
}

/** The anchors of a page's headings, as they are made of their text. */
function anchorsOf(page: string): string[] {
  const headings = found(/^#+ (.+)$/gm, page.replaceAll(/^```[\s\S]*?^```/gm, ''));
  return headings.map((text) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('there are pages', () => {
  expect(PAGES).toEqual(expect.arrayContaining(['docs/architecture.md', 'docs/runbook.md', 'docs/simulator.md']));
  expect(PAGES.filter((page) => page.startsWith('docs/adr/')).length).toBeGreaterThanOrEqual(8);
});

describe.each(PAGES)('%s', (page) => {
  const text = read(page);

  test('links to files and headings that exist', () => {
    const links = found(/\]\(([^)\s]+)\)/g, text).filter((link) => !/^[a-z]+:/.test(link));

    const broken = links.filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('names files of ours that exist', () => {
    const paths = found(/`((?:src|test|tools|docs|migrations|docker|\.ci)\/[\w./-]+)`/g, text);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const programs = found(/dist\/(main-[\w-]+)\.js/g, text);
    expect(programs.filter((program) => !existsSync(join(ROOT, 'src', `${program}.ts`)))).toEqual([]);
  });

  test('names scripts and operator commands that exist', () => {
    const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')));

    expect(found(/npm run ([\w-]+)/g, text).filter((name) => !(name in scripts))).toEqual([]);
    expect(found(/npm run ops -- ([\w-]+)/g, text).filter((name) => !(name in ALL_COMMANDS))).toEqual([]);
  });

  test('gives operator commands only options that they know', () => {
    const unknown = [...text.matchAll(/npm run ops -- ([\w-]+)([^`\n]*)/g)].flatMap(([, name, rest]) =>
      found(/--([a-z][\w-]*)/g, rest!).filter((option) => !(option in (ALL_COMMANDS[name!]?.options ?? {}))),
    );
    expect(unknown).toEqual([]);
  });

  test('names search attributes that are registered', () => {
    const known: readonly string[] = SEARCH_ATTRIBUTES;
    expect(found(/\b(Cauri[A-Z]\w+)/g, text).filter((name) => !known.includes(name))).toEqual([]);
  });
});

test.each(['README.md', 'CONTRIBUTING.md', 'docs/architecture.md', 'docs/runbook.md', 'docs/adr'])(
  'names variables that are read: %s',
  (path) => {
    const text = PAGES.filter((page) => page.startsWith(path))
      .map(read)
      .join('\n');

    const named = found(/`([A-Z][A-Z0-9]*_[A-Z0-9_]+)`/g, text);
    expect(named.filter((name) => !(name in CONFIG_SCHEMA.shape) && !OTHER_VARIABLES.includes(name))).toEqual(
      // Words of Temporal's, not variables.
      path === 'docs/adr' ? ['ALLOW_DUPLICATE', 'USE_EXISTING'] : [],
    );
  },
);

test('the README shows magic numbers as docs/simulator.md has them', () => {
  const rows = found(/^\| (`7700\d\dnnn` \| `\w+`) \|/gm, read('README.md'));

  expect(rows).toHaveLength(10);
  expect(rows.filter((row) => !read('docs/simulator.md').includes(`| ${row} |`))).toEqual([]);
});
