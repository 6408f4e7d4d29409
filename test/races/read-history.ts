import type { PayoutState } from '../../src/domain/payout-state';
import type { SubmissionOutcome } from '../../src/domain/outcome';
import { parseReference } from '../../src/domain/reference';
import type { PayoutWorld } from '../helpers/payout-world';

/** Everything that was written of one payout, and what truly happened at the provider. */
export interface History {
  payout: {
    id: string;
    state: PayoutState;
    version: number;
    attempt: number;
    hold_no: number;
    amount: bigint;
    /** Nine digits. */
    customer: string;
  };
  events: { sequence: number; from_state: PayoutState | null; to_state: PayoutState; submission_id: string | null }[];
  submissions: { id: string; attempt: number; call: number; kind: 'call' | 'void'; outcome: SubmissionOutcome }[];
  outcomes: { submission_id: string; from_outcome: SubmissionOutcome; to_outcome: SubmissionOutcome }[];
  holds: { hold_no: number; amount: bigint; closed_by: 'capture' | 'release' | null }[];
  entries: { id: bigint; kind: string; amount: bigint; hold_no: number; undoes: bigint | null }[];
  /** Endpoints in use that want every event, since before the payout was accepted. */
  endpoints: string[];
  outbox: {
    event_id: string;
    endpoint_id: string;
    type: string;
    object_version: number;
    claim_no: number;
    delivered: boolean;
  }[];
  deliveries: { event_id: string; endpoint_id: string; claim_no: number; result: string }[];
  openReviews: string[];
  provider: {
    /** Requests that reached the provider, by our reference. */
    requests: Record<string, number>;
    credits: { reference: string | null; customer: string; amount: number }[];
  };
}

const TABLES = {
  events: `select sequence, from_state, to_state, submission_id from payout_events where payout_id = $1 order by sequence`,
  submissions: `select id, attempt, call, kind, outcome from submissions where payout_id = $1 order by attempt, call`,
  outcomes: `select submission_id, from_outcome, to_outcome from submission_outcomes
    where submission_id in (select id from submissions where payout_id = $1) order by id`,
  holds: `select hold_no, amount, closed_by from holds where payout_id = $1 order by hold_no`,
  entries: `select id, kind, amount, hold_no, undoes from ledger_entries where payout_id = $1 order by id`,
  outbox: `select event_id, endpoint_id, type, object_version, claim_no, delivered_at is not null as delivered
    from outbox where payout_id = $1 order by object_version`,
  deliveries: `select delivery.event_id, delivery.endpoint_id, delivery.claim_no, result
    from webhook_deliveries delivery join outbox using (event_id, endpoint_id) where payout_id = $1 order by id`,
} as const;

export async function readHistory({ pool, simulator }: PayoutWorld, payoutId: string): Promise<History> {
  const client = await pool.connect();
  try {
    // One snapshot of all tables, whatever is still under way.
    await client.query('begin isolation level repeatable read read only');
    const read = async <T>(sql: string, values: unknown[] = [payoutId]): Promise<T[]> =>
      (await client.query(sql, values)).rows as T[];
    const [payout] = await read<History['payout'] & { merchant_id: string; accepted_at: Date }>(
      `select id, state, version, attempt, hold_no, amount, right(recipient_msisdn, 9) as customer, merchant_id, accepted_at
       from payouts where id = $1`,
    );
    if (!payout) throw new Error(`no payout ${payoutId}`);
    const tables: Record<string, unknown> = {};
    for (const [name, sql] of Object.entries(TABLES)) tables[name] = await read(sql);
    const endpoints = await read<{ id: string }>(
      `select id from webhook_endpoints
       where merchant_id = $1 and created_at < $2 and disabled_at is null order by id`,
      [payout.merchant_id, payout.accepted_at],
    );
    const reviews = await read<{ kind: string }>(
      'select kind from review_items where payout_id = $1 and closed_at is null order by kind',
    );
    await client.query('commit');

    const isOurs = (reference: string | null): boolean => parseReference(reference ?? '')?.payoutId === payoutId;
    const { credits } = simulator.ledger();
    const requests = Object.entries(simulator.requests().cashInsByReference).filter(([reference]) => isOurs(reference));
    return {
      ...(tables as Pick<History, keyof typeof TABLES>),
      payout,
      endpoints: endpoints.map(({ id }) => id),
      openReviews: reviews.map(({ kind }) => kind),
      provider: {
        requests: Object.fromEntries(requests),
        credits: credits
          .filter(({ reference, customer }) => isOurs(reference) || customer === payout.customer)
          .map(({ reference, customer, amount }) => ({ reference, customer, amount })),
      },
    };
  } finally {
    client.release();
  }
}
