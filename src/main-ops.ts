import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

import { loadConfig } from './config';
import { createCore, createOperatorBudget } from './deps';
import { assertOwnDatabase } from './installation';
import { COMMANDS, describeCommands, KEYLESS_COMMANDS } from './ops/commands';
import { authenticateOperator } from './ops/authenticate-operator';
import { findLookCommand } from './ops/look/commands';
import type { LookCommand } from './ops/look/commands';
import { createOperatorApi } from './ops/look/operator-api';
import { CommandError } from './ops/operator';
import type { CommandArgs } from './ops/operator';
import { findDevMachine } from './start/dev-machine';

/** `npm run ops -- COMMAND …`: the operator's key is read from CAURI_OPERATOR_KEY. */
async function main(): Promise<number> {
  const [name = '', ...rest] = process.argv.slice(2);
  const look = findLookCommand(name, rest);
  if (look) return await runLook(look, rest);
  const command = COMMANDS[name];
  const keyless = KEYLESS_COMMANDS[name];
  const known = command ?? keyless;
  if (!known) {
    process.stdout.write(describeCommands());
    return name === '' || name === 'help' ? 0 : 2;
  }
  const config = loadConfig(process.env);
  const core = await createCore(config, 'ops');
  try {
    await assertOwnDatabase(core);
    const { values, positionals } = parseArgs({
      args: rest,
      allowPositionals: true,
      strict: true,
      options: known.options,
    });
    const given: CommandArgs = { positionals, values: values as CommandArgs['values'] };
    const print = (line: string): boolean => process.stdout.write(`${line}\n`);
    if (!command) {
      await keyless?.run({ pool: core.pool, print }, given);
      return 0;
    }
    const operator = await authenticateOperator(core.pool, process.env['CAURI_OPERATOR_KEY']);
    await command.run(
      {
        ...core,
        budget: createOperatorBudget(core),
        sealing: core.vault,
        fingerprintPin: (provider, account, pin) => core.vault.fingerprintPin(provider, account, pin),
        ...operator,
        settlementWindowMs: config.ORANGE_SETTLEMENT_WINDOW_MS,
        sendByMarginMs: config.SEND_BY_MARGIN_MS,
        watchMs: config.LATE_CREDIT_WATCH_MS,
        allowLoopbackWebhooks: config.ALLOW_LOOPBACK_WEBHOOKS,
        readInput: () => text(process.stdin),
        print,
      },
      given,
    );
    return 0;
  } catch (error) {
    if (!isUsersFault(error)) throw error;
    process.stderr.write(`${error.message}\nusage: npm run ops -- ${known.usage}\n`);
    return 1;
  } finally {
    await core.close();
  }
}

/** Asks the API: no database, no vault. */
async function runLook(command: LookCommand, rest: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...rest],
      allowPositionals: true,
      strict: true,
      options: command.options,
    });
    const args = { positionals, values: values as CommandArgs['values'] };
    await command.run(createOperatorApi(findApi()), args, (line) => process.stdout.write(`${line}\n`));
    return 0;
  } catch (error) {
    if (!isUsersFault(error)) throw error;
    process.stderr.write(`${error.message}\nusage: npm run ops -- ${command.usage}\n`);
    return 1;
  }
}

/** The keys of a development machine go to that machine's own API only. */
function findApi(): { url: string; key: string } {
  const { CAURI_API_URL: named = '', CAURI_OPERATOR_KEY: given = '' } = process.env;
  const machine = findDevMachine(resolve(process.env['CAURI_STATE_DIR'] ?? join(__dirname, '..', '.cauri')));
  const url = named || machine?.apiUrl;
  if (url === undefined) throw new CommandError('CAURI_API_URL must name the API, such as https://api.example.com');
  const key = given || (machine && url === machine.apiUrl ? machine.operatorKey : '');
  if (key === '') throw new CommandError('CAURI_OPERATOR_KEY must hold your operator key');
  return { url, key };
}

function isUsersFault(error: unknown): error is Error {
  return error instanceof CommandError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  },
);
