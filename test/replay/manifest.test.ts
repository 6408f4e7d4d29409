import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { appendToManifest, findFaults, findLost, readEarlierManifests, readManifest, writeManifest } from './manifest';
import type { Manifest, NamedHistory } from './manifest';

const history = (name: string): NamedHistory => ({ file: `${name}.1.json`, hash: `hash of ${name}` });
const [first, second, third, fourth] = [history('first'), history('second'), history('third'), history('fourth')];

const HISTORIES = [first, second, third];
const MANIFEST = HISTORIES.reduce<Manifest>(appendToManifest, []);

/** Lines of the manifest as they were written. */
const linesOf = (...histories: NamedHistory[]): Manifest =>
  histories.map(({ file }) => MANIFEST.find((line) => line.file === file)!);

describe('the manifest of the recorded histories', () => {
  test('has no fault as it was recorded, nor with one more', () => {
    expect(findFaults(MANIFEST, HISTORIES)).toEqual([]);
    expect(findFaults(appendToManifest(MANIFEST, fourth), [...HISTORIES, fourth])).toEqual([]);
  });

  test('names a history that was changed', () => {
    const changed = [first, { ...second, hash: 'another' }, third];
    expect(findFaults(MANIFEST, changed)).toEqual([expect.stringMatching(/^second.1.json was changed/)]);
  });

  test('names a history that was changed together with its line', () => {
    const changed = { ...second, hash: 'another' };
    const manifest = MANIFEST.map((line) => (line.file === changed.file ? { ...line, hash: changed.hash } : line));
    const doesNotFollow = [expect.stringMatching(/^second.1.json does not follow on first.1.json/)];
    expect(findFaults(manifest, [first, changed, third])).toEqual(doesNotFollow);
  });

  test('names a history that was deleted', () => {
    expect(findFaults(MANIFEST, [first, third])).toEqual([expect.stringMatching(/^second.1.json is missing/)]);
  });

  test.each([
    ['the first line', [second, third], /^second.1.json does not follow on nothing/],
    ['another line', [first, third], /^third.1.json does not follow on first.1.json/],
  ])('names what followed on a history that was deleted together with its line: %s', (_which, left, fault) => {
    expect(findFaults(linesOf(...left), left)).toEqual([expect.stringMatching(fault)]);
  });

  test('names lines that were reordered', () => {
    expect(findFaults(linesOf(first, third, second), HISTORIES)).toEqual([
      expect.stringMatching(/^third.1.json does not follow on first.1.json/),
      expect.stringMatching(/^second.1.json does not follow on third.1.json/),
    ]);
  });

  test('names a history that was added without a line', () => {
    expect(findFaults(MANIFEST, [...HISTORIES, fourth])).toEqual([expect.stringMatching(/^fourth.1.json has no line/)]);
  });

  test('tells the chain of a line that another branch’s came before', () => {
    const ours = appendToManifest(MANIFEST, fourth);
    const theirs = appendToManifest(MANIFEST, history('fifth'));
    const joined = [...theirs, ...ours.slice(-1)];
    const mended = appendToManifest(theirs, fourth);
    expect(findFaults(joined, joined)).toEqual([expect.stringContaining(mended.at(-1)!.chain)]);
    expect(findFaults(mended, joined)).toEqual([]);
  });
});

const withGit = spawnSync('git', ['--version']).status === 0 ? test : test.skip;

describe('the manifests of earlier commits', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'cauri-manifest-'));
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  function commit(manifest: Manifest): void {
    writeManifest(directory, manifest);
    const settings = ['user.name=test', 'user.email=test@localhost', 'commit.gpgsign=false'];
    const given = settings.flatMap((setting) => ['-c', setting]);
    execFileSync('git', ['add', '.'], { cwd: directory });
    execFileSync('git', [...given, 'commit', '-q', '-m', 'test'], { cwd: directory });
  }

  const head = (): string => execFileSync('git', ['rev-parse', 'HEAD'], { cwd: directory, encoding: 'utf8' }).trim();

  const lost = (manifest = readManifest(directory)): readonly string[] =>
    findLost(manifest, readEarlierManifests(directory) ?? []);

  withGit('tell of the last history that was deleted together with its line, also once that is committed', () => {
    execFileSync('git', ['init', '-q'], { cwd: directory });
    commit(MANIFEST.slice(0, 2));
    commit(MANIFEST);
    expect(lost()).toEqual([]);
    const isGone = [expect.stringMatching(`^third.1.json is not what it was, or gone: .* ${head()}$`)];
    expect(lost(MANIFEST.slice(0, 2))).toEqual(isGone);
    commit(MANIFEST.slice(0, 2));
    expect(lost()).toEqual(isGone);
    commit(appendToManifest(MANIFEST, fourth));
    expect(lost()).toEqual([]);
  });

  withGit('tell of a history that was deleted with its line where the chain was made anew, and who had it last', () => {
    execFileSync('git', ['init', '-q'], { cwd: directory });
    commit(MANIFEST.slice(0, 2));
    commit(MANIFEST);
    const had = head();
    commit([first, third].reduce<Manifest>(appendToManifest, []));
    expect(lost()).toEqual([expect.stringMatching(`^second.1.json is not what it was, or gone: .* ${had}$`)]);
  });

  test('are not known outside of a repository', () => {
    expect(readEarlierManifests(directory)).toBeNull();
  });
});
