import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.join(__dirname, '..', '..');

describe('the tools behind npm scripts', () => {
  let directory: string;
  beforeAll(() => {
    // A fresh clone: nothing is installed, nothing is built.
    directory = mkdtempSync(path.join(tmpdir(), 'cauri-tools-'));
    cpSync(path.join(ROOT, 'tools'), path.join(directory, 'tools'), { recursive: true });
    cpSync(path.join(ROOT, 'package.json'), path.join(directory, 'package.json'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const node = (args: string[], env: Record<string, string> = {}): Promise<{ stdout: string; stderr: string }> =>
    promisify(execFile)(process.execPath, args, { cwd: directory, env: { PATH: process.env['PATH'], ...env } });

  test.each(['--help', '-h'])('npm start -- %s names every flag before anything is installed', async (flag) => {
    const { stdout } = await node(['tools/run.mjs', 'start', flag]);
    expect([...stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, name]) => name)).toEqual([
      '--once',
      '--no-demo',
      '--reset',
      '--replace',
      '--port-base',
      '--help',
    ]);
  });

  test('.env gives what the environment lacks, and says by name what was read', async () => {
    writeFileSync(
      path.join(directory, '.env'),
      'DATABASE_URL="postgresql://from-file"\nMASTER_KEY=secret-4711\nAPI_PORT=1\n',
    );
    const script = `import('./tools/env-file.mjs').then(({ readEnvFile }) => {
      readEnvFile();
      console.log([process.env.DATABASE_URL, process.env.MASTER_KEY, process.env.API_PORT].join(' '));
    })`;
    const { stdout, stderr } = await node(['-e', script], { API_PORT: '3000' });
    expect(stdout).toBe('postgresql://from-file secret-4711 3000\n');
    expect(stderr).toBe(
      '.env: read DATABASE_URL, MASTER_KEY\n.env: not read, since the environment has them: API_PORT\n',
    );
  });
});
