import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startProcess } from '../../src/start/managed-process';
import type { ManagedProcess } from '../../src/start/managed-process';
import { describeDevServer } from '../../src/temporal/dev-server';
import { resolveTemporalCli } from '../../src/temporal/server-resolver';
import { eventually } from '../helpers/eventually';
import { findFreePort } from '../helpers/ports';
import { guardProcess } from '../helpers/process';

const BIN_DIRECTORY = join(__dirname, '..', '..', '.cauri', 'bin');
const NAMESPACES = '/api/v1/namespaces';

describe('the dev server and web pages', () => {
  let directory: string;
  let httpPort: number;
  let uiPort: number;
  let running: ManagedProcess;
  let guard: { release: () => void };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cauri-dev-server-'));
    const { path } = await resolveTemporalCli({
      env: process.env,
      binDirectory: BIN_DIRECTORY,
      report: () => undefined,
    });
    [httpPort, uiPort] = [await findFreePort(), await findFreePort()];
    const server = describeDevServer({ executable: path, port: await findFreePort(), ui: { port: uiPort } });
    // A free one by chance otherwise, which a page finds by trying.
    const args = [...server.args, '--http-port', String(httpPort)];
    running = await startProcess({ ...server, args }, { logFile: join(directory, 'temporal.log') });
    guard = guardProcess(running.pid, [directory]);
  });
  afterAll(async () => {
    guard.release();
    await running.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Not `fetch`, which sets `Host` itself. */
  function ask(method: string, port: number, path: string, headers: Record<string, string> = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode!));
      });
      asked.once('error', reject).end(method === 'POST' ? '{}' : undefined);
    });
  }

  test.each([
    ['a page that sends to it', { origin: 'https://evil.example', 'content-type': 'text/plain' }],
    ['a page whose name was pointed to this machine', { host: 'evil.example', origin: 'http://evil.example' }],
    ['a page of another port of this machine', { host: 'localhost', origin: 'http://localhost:5173' }],
    ['anybody else', {}],
  ])('the HTTP API refuses %s', async (_who, headers) => {
    expect(await ask('GET', httpPort, NAMESPACES, headers)).toBe(403);
    expect(await ask('POST', httpPort, `${NAMESPACES}/default/workflows/w1`, headers)).toBe(403);
  });

  test('the UI works without it', async () => {
    // It may need a moment longer than the server.
    await eventually('the UI lists namespaces', async () => (await ask('GET', uiPort, NAMESPACES)) === 200);
    expect(await ask('GET', uiPort, '/')).toBe(200);
  });
});
