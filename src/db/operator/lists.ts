import type { Db } from '../pool';

type Row = Readonly<Record<string, unknown>>;

/** Short lists for operators, each bounded by an index of what is open. Members by their wire names. */
async function list(db: Db, sql: string): Promise<readonly Row[]> {
  return (await db.query<Row>(sql)).rows;
}

/** Secrets that a provider refused or that are not proven: payouts of these accounts wait. */
export const listGates = (db: Db): Promise<readonly Row[]> =>
  list(
    db,
    `select gate.provider, gate.environment, gate.account_number, gate.state, gate.last_code, gate.refusals, gate.lost_probes,
       gate.updated_at, array(select distinct merchant_id from credentials
         where provider = gate.provider and environment = gate.environment and account_number = gate.account_number) as merchants
     from pin_gates gate where gate.state <> 'open' order by gate.updated_at limit 200`,
  );

export const listStops = (db: Db): Promise<readonly Row[]> =>
  list(
    db,
    'select id, scope, target, reason, stopped_by, stopped_at from stops where resumed_at is null order by stopped_at limit 200',
  );

/** Open questions with the payout that each is about, the oldest first. */
export const listReviews = (db: Db): Promise<readonly Row[]> =>
  list(
    db,
    `select item.id, item.kind, item.detail, item.opened_at, item.payout_id, payout.merchant_id, payout.environment,
       payout.state, coalesce(payout.amount, stranger.amount)::text as amount,
       coalesce(payout.currency, stranger.currency) as currency, payout.provider_reference,
       decision.id as decision_id, decision.resolution as proposed, decision.proposed_by
     from review_items item
       left join payouts payout on payout.id = item.payout_id
       left join strangers stranger on stranger.id = item.stranger_id
       left join decisions decision on decision.payout_id = payout.id
         and decision.confirmed_at is null and decision.withdrawn_at is null
     where item.closed_at is null order by item.opened_at, item.id limit 200`,
  );

export const listRestores = (db: Db): Promise<readonly Row[]> =>
  list(db, 'select id, since, started_at, released_at, report from restores order by started_at desc limit 20');

/** Endpoints with events that are older than ten minutes and neither delivered nor given up. */
export const listFailingWebhooks = (db: Db): Promise<readonly Row[]> =>
  list(
    db,
    `select endpoint.id as endpoint_id, endpoint.merchant_id, endpoint.environment, endpoint.url,
       count(*)::integer as events, min(outbox.created_at) as oldest
     from outbox join webhook_endpoints endpoint on endpoint.id = outbox.endpoint_id and endpoint.disabled_at is null
     where outbox.delivered_at is null and outbox.given_up_at is null
       and outbox.created_at < clock_timestamp() - interval '10 minutes'
     group by 1, 2, 3, 4 order by oldest limit 200`,
  );
