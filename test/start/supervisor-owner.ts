import { setTimeout as delay } from 'node:timers/promises';
import { prepareEmbeddedPostgres } from '../../src/start/embedded-postgres';
import { createSupervisor } from '../../src/start/supervisor';

/** What the test tells this program, as JSON in its first argument. */
export interface OwnerOptions {
  runFile: string;
  logDirectory: string;
  /** One child for each: a small HTTP server. */
  ports: number[];
  /** Starts a PostgreSQL, too. */
  postgres?: { directory: string; port: number };
  /** The last child fails at its start, or never gets ready. */
  last?: 'fails' | 'hangs';
}

const SERVER = `
  require('node:http').createServer((request, response) => response.end('ok')).listen(Number(process.argv[1]), '127.0.0.1');
  process.on('SIGTERM', () => process.exit(0));`;

/** Runs a supervisor as `npm start` does, for tests that kill it. Prints a line for each thing that happens. */
async function main(): Promise<void> {
  const { runFile, logDirectory, ports, postgres, last } = JSON.parse(process.argv[2] ?? '') as OwnerOptions;
  const print = (line: string): void => console.log(line);
  const supervisor = createSupervisor({
    runFile,
    logDirectory,
    report: print,
    shortLifeMs: 0,
    onLoss: (error) => print(`lost: ${error.message}`),
  });
  const stop = async (code: number): Promise<never> => {
    await supervisor.closeAll();
    process.exit(code);
  };
  process.on('SIGINT', () => void stop(130));
  print(`ended: ${(await supervisor.endLeftovers()).join(' ')}`);
  try {
    if (postgres) await supervisor.start((await prepareEmbeddedPostgres(postgres)).spec);
    for (const port of ports) {
      const ready = async (): Promise<boolean> =>
        (await fetch(`http://127.0.0.1:${port}`).catch(() => undefined))?.ok ?? false;
      await supervisor.start({
        name: `child-${port}`,
        command: process.execPath,
        args: ['-e', SERVER, String(port)],
        port,
        ready,
      });
    }
    if (last === 'fails')
      await supervisor.start({ name: 'last', command: process.execPath, args: ['-e', 'process.exit(3)'] });
    if (last) {
      print(`last one ${last}`);
      const args = ['-e', last === 'fails' ? 'process.exit(3)' : 'setInterval(() => undefined, 1000)'];
      await supervisor.start({ name: 'last', command: process.execPath, args, ready: () => delay(50, false) });
    }
    print('ready');
  } catch (error) {
    print(`failed: ${(error as Error).message}`);
    await stop(1);
  }
}

void main();
