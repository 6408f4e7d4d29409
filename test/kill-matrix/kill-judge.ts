import { WEBHOOK_EVENTS } from '../../src/domain/webhook-event';
import type { KillEnd } from './kill-cases';
import { KILL_FLOAT } from './kill-merchant';
import type { PayoutWorld } from '../helpers/payout-world';

const AMOUNT = 1_000n;

/** What is true of a payout at rest: what the provider's own ledger says, and what ours, the hold and the webhooks say. */
export interface KillVerdict {
  state: string;
  /** Amounts that truly reached the recipient. */
  credited: readonly number[];
  available: bigint;
  held: bigint;
  /** How the hold was closed. */
  hold: string | null;
  captures: number;
  /** Events that the endpoint should have heard and has not, and those that it should not have heard. */
  webhooks: { missing: readonly string[]; unexpected: readonly string[] };
}

/** What a payout that ended so must be found as. */
export function expected(end: KillEnd): KillVerdict {
  const webhooks = { missing: [], unexpected: [] };
  const amount = Number(AMOUNT);
  switch (end) {
    case 'succeeded':
      return {
        ...{ state: end, credited: [amount], hold: 'capture', captures: 1, webhooks },
        ...{ available: KILL_FLOAT - AMOUNT, held: 0n },
      };
    case 'failed':
      return { state: end, credited: [], hold: 'release', captures: 0, webhooks, available: KILL_FLOAT, held: 0n };
    case 'unknown':
      return {
        ...{ state: end, credited: [], hold: null, captures: 0, webhooks },
        ...{ available: KILL_FLOAT - AMOUNT, held: AMOUNT },
      };
    default:
      return end satisfies never;
  }
}

/** Looks at a payout from all sides. `heard`: what its endpoint heard, as the receiver tells it. */
export async function judge(
  world: PayoutWorld,
  { payoutId, recipient }: { payoutId: string; recipient: string },
  heard: readonly string[],
): Promise<KillVerdict> {
  const { rows } = await world.pool.query<{
    state: string;
    available: bigint;
    held: bigint;
    hold: string | null;
    captures: number;
    events: string[];
  }>(
    `select payout.state,
       (select balance from ledger_accounts where merchant_id = payout.merchant_id and kind = 'available') as available,
       (select balance from ledger_accounts where merchant_id = payout.merchant_id and kind = 'held') as held,
       (select closed_by from holds where payout_id = payout.id) as hold,
       (select count(*)::int from ledger_entries where payout_id = payout.id and kind like '%capture') as captures,
       (select coalesce(array_agg('evt_' || substr(payout_id, 4) || '_' || sequence || ' payout.' || to_state), '{}')
          from payout_events where payout_id = payout.id and from_state is distinct from to_state
          and 'payout.' || to_state = any ($2)) as events
     from payouts payout where id = $1`,
    [payoutId, [...WEBHOOK_EVENTS]],
  );
  const row = rows[0];
  if (!row) throw new Error(`no payout ${payoutId}`);
  const { events, ...rest } = row;
  const customer = recipient.replace('+221', '');
  const credits = world.simulator.ledger().credits.filter((credit) => credit.customer === customer);
  return {
    ...rest,
    credited: credits.map(({ amount }) => amount),
    webhooks: {
      missing: events.filter((event) => !heard.includes(event)),
      unexpected: heard.filter((event) => !events.includes(event)),
    },
  };
}
