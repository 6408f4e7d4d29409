import type { Command } from './operator';

/** `reviews`: what people must decide, oldest first. */
export const reviewsCommand: Command = {
  usage: 'reviews',
  summary: 'list the open questions about payouts, oldest first',
  async run({ pool, print }) {
    const { rows } = await pool.query<{
      id: string;
      payout_id: string;
      kind: string;
      state: string;
      detail: string | null;
      opened_at: Date;
      decision: string | null;
    }>(
      `select item.id, item.payout_id, item.kind, item.detail, item.opened_at, payout.state,
         (select decision.id || ' ' || decision.resolution from decisions decision where decision.payout_id = payout.id
            and decision.confirmed_at is null and decision.withdrawn_at is null) as decision
       from review_items item join payouts payout on payout.id = item.payout_id
       where item.closed_at is null order by item.opened_at limit 200`,
    );
    if (rows.length === 0) print('no question is open');
    for (const row of rows) {
      const proposal = row.decision === null ? 'no proposal' : `proposed: ${row.decision}`;
      print(
        `${row.opened_at.toISOString()}  ${row.payout_id}  ${row.state}  ${row.kind}  ${row.detail ?? '–'}  (${proposal})`,
      );
    }
  },
};
