import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveTemporalServer } from '../../src/temporal/server-resolver';

let directory: string;
let binDirectory: string;
/** Nothing to be found on PATH, and no way to the internet. */
let bareEnv: NodeJS.ProcessEnv;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cauri-resolver-'));
  binDirectory = join(directory, 'bin');
  bareEnv = { PATH: directory, HTTPS_PROXY: 'http://127.0.0.1:1', HTTP_PROXY: 'http://127.0.0.1:1' };
});

afterEach(() => rm(directory, { recursive: true, force: true }));

function writeExecutable(name: string): string {
  const path = join(directory, name);
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, 0o755);
  return path;
}

test('TEMPORAL_ADDRESS wins over every executable', async () => {
  const env = { ...bareEnv, TEMPORAL_ADDRESS: 'temporal.example:7233', TEMPORAL_CLI_PATH: writeExecutable('temporal') };
  expect(await resolveTemporalServer({ env, binDirectory })).toEqual({
    kind: 'address',
    address: 'temporal.example:7233',
  });
});

test('TEMPORAL_CLI_PATH wins over PATH', async () => {
  writeExecutable('temporal');
  const path = writeExecutable('my-temporal');
  const server = await resolveTemporalServer({ env: { ...bareEnv, TEMPORAL_CLI_PATH: path }, binDirectory });
  expect(server).toMatchObject({ path, origin: 'TEMPORAL_CLI_PATH' });
});

test('a TEMPORAL_CLI_PATH that cannot be run is an error, not skipped', async () => {
  writeExecutable('temporal');
  const env = { ...bareEnv, TEMPORAL_CLI_PATH: join(directory, 'missing') };
  await expect(resolveTemporalServer({ env, binDirectory })).rejects.toThrow(/TEMPORAL_CLI_PATH=.*missing/);
});

test('the CLI is found on PATH', async () => {
  const path = writeExecutable('temporal');
  expect(await resolveTemporalServer({ env: bareEnv, binDirectory })).toMatchObject({ path, origin: 'PATH' });
});

test('where nothing leads to a server, the error names all four ways', async () => {
  const attempt = resolveTemporalServer({ env: bareEnv, binDirectory });
  await expect(attempt).rejects.toThrow(/TEMPORAL_ADDRESS[^]*TEMPORAL_CLI_PATH[^]*SDK[^]*pip/);
});

test('a downloaded executable whose bytes are not the pinned ones is not run', async () => {
  await mkdir(binDirectory);
  writeFileSync(join(binDirectory, 'temporal-1.9.1'), 'something else', { mode: 0o755 });
  await expect(resolveTemporalServer({ env: bareEnv, binDirectory })).rejects.toThrow('No temporal executable');
});
