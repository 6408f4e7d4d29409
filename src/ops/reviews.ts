import { insertOperatorEvent } from '../db/operator-actions';
import { closeStranger } from '../db/strangers';
import { withTransaction } from '../db/transaction';
import { CommandError, positional, required } from './operator';
import type { Command } from './operator';

/** `reviews`: what people must decide, oldest first. `reviews close`: a stranger was looked into. */
export const reviewsCommand: Command = {
  usage: 'reviews [close ITEM --evidence TEXT]',
  summary: 'list the open questions, oldest first; close one about a stranger, which belongs to no payout',
  async run({ pool, print, personId }, args) {
    if (args.positionals[0] === 'close') {
      const item = positional(args, 1, 'the item’s id');
      const evidence = required(args, 'evidence');
      await withTransaction(pool, async (trx) => {
        if (!(await closeStranger(trx, item))) throw new CommandError(`${item} is no open question about a stranger`);
        await insertOperatorEvent(trx, { personId, action: 'close_stranger', target: item, detail: { evidence } });
      });
      print(`closed: ${item}`);
      return;
    }
    const { rows } = await pool.query<{
      id: string;
      payout_id: string | null;
      kind: string;
      state: string | null;
      detail: string | null;
      opened_at: Date;
      decision: string | null;
    }>(
      `select item.id, item.payout_id, item.kind, item.detail, item.opened_at, payout.state,
         (select decision.id || ' ' || decision.resolution from decisions decision where decision.payout_id = payout.id
            and decision.confirmed_at is null and decision.withdrawn_at is null) as decision
       from review_items item left join payouts payout on payout.id = item.payout_id
       where item.closed_at is null order by item.opened_at limit 200`,
    );
    if (rows.length === 0) print('no question is open');
    for (const row of rows) {
      const proposal =
        row.payout_id === null
          ? `close it with: reviews close ${row.id}`
          : row.decision === null
            ? 'no proposal'
            : `proposed: ${row.decision}`;
      print(
        `${row.opened_at.toISOString()}  ${row.payout_id ?? row.id}  ${row.state ?? '–'}  ${row.kind}  ${row.detail ?? '–'}  (${proposal})`,
      );
    }
  },
};
