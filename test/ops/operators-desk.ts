import { pino } from 'pino';
import type { Logger } from 'pino';

import { createRequestBudget } from '../../src/activities/request-budget';
import type { RequestBudget } from '../../src/activities/request-budget';
import { createApiKey } from '../../src/db/api-keys';
import { COMMANDS } from '../../src/ops/commands';
import { findLookCommand } from '../../src/ops/look/commands';
import { createOperatorApi } from '../../src/ops/look/operator-api';
import type { OperatorApi } from '../../src/ops/look/operator-api';
import type { OperatorContext } from '../../src/ops/operator';
import { startTestApp } from '../helpers/app';
import type { PayoutWorld } from '../helpers/payout-world';
import { operatorKeyOf } from '../helpers/persons';

export interface Answer {
  /** What the command printed, line by line. */
  printed: readonly string[];
  /** The message of its refusal, or null where it was carried out. */
  refused: string | null;
}

/** Runs the operator's commands as `npm run ops` does, in a test world. */
export interface OperatorsDesk {
  /** `words`: positionals, and `--name value` or `--flag`, split at spaces. Unexpected errors are thrown. */
  run(command: string, words: string, options?: { as?: string; input?: string }): Promise<Answer>;
  /** Everything that any command printed or refused with. */
  saidSoFar(): string;
}

export function createOperatorsDesk(
  world: PayoutWorld,
  budget: OperatorContext['budget'] = budgetOf(world),
  logger: Logger = pino({ level: 'silent' }),
): OperatorsDesk {
  const said: string[] = [];
  return {
    async run(name, words, { as = 'per_one', input = '' } = {}) {
      const printed: string[] = [];
      const args = parseWords(words);
      const look = findLookCommand(name, args.positionals);
      const command = COMMANDS[name];
      if (!look && !command) throw new Error(`no command ${name}`);
      const context: OperatorContext = {
        pool: world.pool,
        sealing: world.vault,
        fingerprintPin: (provider, account, pin) => world.vault.fingerprintPin(provider, account, pin),
        providers: world.providers,
        budget,
        personId: as,
        keyId: operatorKeyOf(as),
        logger,
        settlementWindowMs: world.settings.settlementWindowMs ?? 60_000,
        sendByMarginMs: world.settings.sendByMarginMs,
        watchMs: world.settings.watchMs,
        allowLoopbackWebhooks: true,
        readInput: () => Promise.resolve(input),
        print: (line) => void printed.push(line),
      };
      try {
        if (look) await lookByApi(world, as, (api) => look.run(api, args, (line) => void printed.push(line)));
        else await command?.run(context, args);
        return { printed, refused: null };
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'CommandError') throw error;
        said.push(error.message);
        return { printed, refused: error.message };
      } finally {
        said.push(...printed);
      }
    },
    saidSoFar: () => said.join('\n'),
  };
}

/** Serves the API over the world's database while an operator looks. */
async function lookByApi(
  { pool }: PayoutWorld,
  personId: string,
  look: (api: OperatorApi) => Promise<void>,
): Promise<void> {
  const app = await startTestApp({ pool });
  try {
    const { key } = await createApiKey(pool, { role: 'operator', subject: { kind: 'person', personId } });
    await look(createOperatorApi({ url: app.url, key }));
  } finally {
    await app.close();
  }
}

/** The budget of another process; it waits for nothing. */
export function budgetOf({ pool, requestsPerMinute }: PayoutWorld): RequestBudget {
  return createRequestBudget({ pool, requestsPerMinute, patienceMs: 0 });
}

function parseWords(words: string): { positionals: string[]; values: Record<string, string | boolean> } {
  const positionals: string[] = [];
  const values: Record<string, string | boolean> = {};
  const rest = words.split(' ').filter((word) => word !== '');
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith('--')) positionals.push(word);
    else if (rest[0] === undefined || rest[0].startsWith('--')) values[word.slice(2)] = true;
    else values[word.slice(2)] = rest.shift()!;
  }
  return { positionals, values };
}

/** What operators did, as it is written down: action, target, and what else was kept of it; `after` that many events. */
export async function operatorEvents(
  world: PayoutWorld,
  action: string,
  after = 0,
): Promise<readonly { person_id: string; target: string; detail: Record<string, unknown> }[]> {
  const { rows } = await world.pool.query<{ person_id: string; target: string; detail: Record<string, unknown> }>(
    `select person_id, target, detail from (select * from operator_events order by id offset $2) recent
     where action = $1 order by id`,
    [action, after],
  );
  return rows;
}
