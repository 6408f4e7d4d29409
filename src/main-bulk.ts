import { join, resolve } from 'node:path';

import { createBulkApi } from './bulk-client/api';
import { decide, listApprovals } from './bulk-client/decide';
import { EXIT_CODES } from './bulk-client/exit-code';
import type { ExitCode } from './bulk-client/exit-code';
import { parseBulkArgs, USAGE, UsageError } from './bulk-client/options';
import type { Connection } from './bulk-client/options';
import { runBulkClient } from './bulk-client/run';
import { createScreen } from './bulk-client/screen';
import { CSV_TEMPLATE } from './bulk-client/template';
import { findDevMachine } from './start/dev-machine';

/** `npm run bulk -- FILE`: a merchant's own tool, by HTTP alone. The API key is read from CAURI_API_KEY. */
async function main(): Promise<ExitCode> {
  const broken = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (broken.signal.aborted) process.exit(EXIT_CODES.interrupted);
      broken.abort();
    });
  }
  // A closed pipe must not end the watching half way through a file.
  process.stdout.on('error', () => undefined);
  try {
    const command = parseBulkArgs(process.argv.slice(2));
    if (command.kind === 'help' || command.kind === 'template') {
      process.stdout.write(command.kind === 'help' ? USAGE : CSV_TEMPLATE);
      return EXIT_CODES.paid;
    }
    // npm runs its scripts in the project's folder and names the one that it was called in.
    process.chdir(process.env['INIT_CWD'] ?? process.cwd());
    const api = createBulkApi({ ...findApi(command.connection), signal: broken.signal });
    const say = (line: string): void => void process.stdout.write(`${line}\n`);
    if (command.kind === 'send' || command.kind === 'watch') {
      return await runBulkClient(command, { api, screen: createScreen(process.stdout), signal: broken.signal });
    }
    return command.kind === 'approvals' ? await listApprovals({ api, say }) : await decide(command, { api, say });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    if (error instanceof UsageError) process.stderr.write(`\n${USAGE}`);
    return EXIT_CODES.trouble;
  }
}

/** The key of a development machine goes to that machine's own API only. */
function findApi({ key = process.env['CAURI_API_KEY'] || undefined, api }: Connection): { url: string; key: string } {
  if (key !== undefined && api !== undefined) return { url: api, key };
  const machine = findDevMachine(resolve(process.env['CAURI_STATE_DIR'] ?? join(__dirname, '..', '.cauri')));
  const url = api ?? machine?.apiUrl;
  if (url === undefined) throw new UsageError('no `npm start` runs here: name the API with --api');
  const found = key ?? (machine && url === machine.apiUrl ? machine.merchantKey : undefined);
  if (found === undefined) throw new UsageError(`give a key for ${url}: --key, or better CAURI_API_KEY`);
  return { url, key: found };
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(EXIT_CODES.trouble);
  },
);
