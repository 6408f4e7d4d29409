import { insertOperatorEvent } from '../db/operator-actions';
import { closeStranger } from '../db/strangers';
import { withTransaction } from '../db/transaction';
import { CommandError, positional, required } from './operator';
import type { Command } from './operator';

/** `reviews close`: a stranger was looked into. The list itself is a command of `look/`. */
export const reviewsCommand: Command = {
  usage: 'reviews close ITEM --evidence TEXT',
  summary: 'close a question about a stranger, which belongs to no payout',
  async run({ pool, print, personId }, args) {
    if (args.positionals[0] !== 'close') throw new CommandError('give `close` and an item, or nothing for the list');
    const item = positional(args, 1, 'the item’s id');
    const evidence = required(args, 'evidence');
    await withTransaction(pool, async (trx) => {
      if (!(await closeStranger(trx, item))) throw new CommandError(`${item} is no open question about a stranger`);
      await insertOperatorEvent(trx, { personId, action: 'close_stranger', target: item, detail: { evidence } });
    });
    print(`closed: ${item}`);
  },
};
