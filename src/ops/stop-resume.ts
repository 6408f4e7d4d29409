import type { Pool } from 'pg';

import { resumeSending, stopSending } from '../db/operator-actions';
import { STOP_SCOPES } from '../db/stops';
import type { StopScope } from '../db/stops';
import { PROVIDERS } from '../domain/methods';
import { CommandError, positional, required } from './operator';
import type { Command, CommandArgs } from './operator';

/** `stop`: nothing that was not sent yet leaves any more; what was sent is followed to its end. */
export const stopCommand: Command = {
  usage: 'stop merchant|provider|payout ID --reason TEXT',
  summary: 'stop sending for a merchant, a provider or one payout',
  async run(context, args) {
    const { scope, target } = scopeOf(args);
    const reason = required(args, 'reason');
    await mustExist(context.pool, scope, target);
    const stopped = await stopSending(context.pool, { scope, target, reason, personId: context.personId });
    context.print(stopped ? `stopped: ${scope} ${target}` : `nothing done: ${scope} ${target} is stopped already`);
  },
};

export const resumeCommand: Command = {
  usage: 'resume merchant|provider|payout ID',
  summary: 'lift a stop; what waited for it goes on at once',
  async run(context, args) {
    const { scope, target } = scopeOf(args);
    const woken = await resumeSending(context.pool, { scope, target, personId: context.personId });
    context.print(
      woken === null
        ? `nothing done: ${scope} ${target} is not stopped`
        : `resumed: ${scope} ${target}; ${woken} payout(s) are due now`,
    );
  },
};

/** A stop of what does not exist would stop nothing and look as if it did. Throws `CommandError`. */
async function mustExist(pool: Pool, scope: StopScope, target: string): Promise<void> {
  const isKnown =
    scope === 'provider'
      ? PROVIDERS.some((provider) => provider === target)
      : (await pool.query(EXISTS[scope], [target])).rowCount === 1;
  if (!isKnown) throw new CommandError(`there is no ${scope} ${target}: nothing was stopped`);
}

const EXISTS = {
  merchant: 'select 1 from merchants where id = $1',
  payout: 'select 1 from payouts where id = $1',
} as const;

function scopeOf(args: CommandArgs): { scope: StopScope; target: string } {
  const name = positional(args, 0, 'merchant, provider or payout');
  const scope = STOP_SCOPES.find((candidate) => candidate === name);
  if (scope === undefined) throw new CommandError(`${name} is none of: ${STOP_SCOPES.join(', ')}`);
  return { scope, target: positional(args, 1, `the ${scope}'s id`) };
}
