import { revokeApiKey } from '../db/api-keys';
import { insertOperatorEvent } from '../db/operator-actions';
import { withTransaction } from '../db/transaction';
import { CommandError, positional } from './operator';
import type { Command } from './operator';

/** `key revoke`: a key that was lost or seen by others is refused from now on. */
export const keyCommand: Command = {
  usage: 'key revoke PREFIX',
  summary: 'refuse a key from now on; PREFIX is the third part of cauri_op_PREFIX_… or cauri_live_PREFIX_…',
  async run({ pool, print, personId }, args) {
    if (args.positionals[0] !== 'revoke') throw new CommandError('give `revoke` and the prefix of a key');
    const prefix = positional(args, 1, 'the key’s prefix');
    await withTransaction(pool, async (trx) => {
      const id = await revokeApiKey(trx, prefix);
      if (id === null) throw new CommandError(`no key in use has the prefix ${prefix}`);
      await insertOperatorEvent(trx, { personId, action: 'revoke_key', target: id });
    });
    print(`revoked: the key ${prefix}; every API process refuses it within seconds`);
  },
};
