import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Beside the histories that it names. */
export const MANIFEST = 'manifest.json';

/** A history by what it says. */
export interface NamedHistory {
  file: string;
  /** SHA-256 of what it says, however it is laid out, in hex. */
  hash: string;
}

/** A line of the manifest. */
export interface ManifestLine extends NamedHistory {
  /** SHA-256 over the chain of the line before (empty for the first one), the file and the hash, in hex. */
  chain: string;
}

/**
 * What was recorded, in that order. Each line vouches for all before it: none of them can be changed, moved or taken
 * away unseen, not even together with its history. What the chain cannot tell is that the last lines are missing, or that
 * it was made anew: that is told by the manifests of earlier commits, where git has them.
 */
export type Manifest = readonly ManifestLine[];

export interface EarlierManifest {
  commit: string;
  manifest: Manifest;
}

export function readManifest(directory: string): Manifest {
  const file = path.join(directory, MANIFEST);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Manifest) : [];
}

export function writeManifest(directory: string, manifest: Manifest): void {
  writeFileSync(path.join(directory, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
}

export function appendToManifest(manifest: Manifest, { file, hash }: NamedHistory): Manifest {
  return [...manifest, { file, hash, chain: chainAfter(manifest.at(-1), { file, hash }) }];
}

/** Each line that is wrong and each history without a line, and what to do; none where all is as it was recorded. */
export function findFaults(manifest: Manifest, histories: readonly NamedHistory[]): readonly string[] {
  const hashes = new Map(histories.map(({ file, hash }) => [file, hash]));
  const faults: string[] = [];
  for (const [index, line] of manifest.entries()) {
    const hash = hashes.get(line.file);
    if (hash === undefined) faults.push(`${line.file} is missing: take it back from git`);
    else if (hash !== line.hash) faults.push(`${line.file} was changed: take it back from git, and record a new one`);
    const before = manifest[index - 1];
    const chain = chainAfter(before, line);
    if (chain === line.chain) continue;
    faults.push(
      `${line.file} does not follow on ${before?.file ?? 'nothing'} in ${MANIFEST}: a line was changed, moved or taken ` +
        `away; take it back from git. Where two branches were merged that both recorded, its chain is now ${chain}`,
    );
  }
  const named = new Set(manifest.map(({ file }) => file));
  for (const { file } of histories) {
    if (!named.has(file)) faults.push(`${file} has no line in ${MANIFEST}: histories are added by RECORD_HISTORIES`);
  }
  return faults;
}

/** Each history that an earlier commit names and the manifest no longer does. `earlier`: newest first. */
export function findLost(manifest: Manifest, earlier: readonly EarlierManifest[]): readonly string[] {
  const kept = new Set(manifest.map(({ hash }) => hash));
  const lost = new Map<string, string>();
  for (const { commit, manifest: lines } of earlier) {
    for (const { file, hash } of lines) {
      if (kept.has(hash) || lost.has(hash)) continue;
      lost.set(hash, `${file} is not what it was, or gone: take it and ${MANIFEST} back from commit ${commit}`);
    }
  }
  return [...lost.values()];
}

/**
 * The manifests of all commits that led here, newest first, as far back as this clone goes: a shallow one has its own
 * commit only. Null without git or outside of a repository. Those from before the lines were chained are left out.
 */
export function readEarlierManifests(directory: string): readonly EarlierManifest[] | null {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  let commits: string[];
  try {
    commits = git('log', '--full-history', '--diff-filter=AM', '--format=%H', '--', MANIFEST).split('\n');
  } catch {
    return null;
  }
  return commits.filter(Boolean).flatMap((commit) => {
    const manifest = JSON.parse(git('show', `${commit}:./${MANIFEST}`)) as Manifest | Record<string, string>;
    return Array.isArray(manifest) ? [{ commit, manifest: manifest as Manifest }] : [];
  });
}

function chainAfter(before: ManifestLine | undefined, { file, hash }: NamedHistory): string {
  return createHash('sha256')
    .update(`${before?.chain ?? ''}\n${file}\n${hash}`)
    .digest('hex');
}
