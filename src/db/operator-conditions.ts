import type { OperatorCondition } from '../domain/operator-alert';
import type { Db } from './pool';

/** Of one kind, in one round: what is more is told in the next ones. */
const MOST = 500;

const READS = [
  // A gate is the account's; its credentials name it, since the account's number may be a person's.
  `select 'credential_gate.blocked' as kind, concat_ws('/', gate.provider, gate.environment, gate.account_number) as subject,
     jsonb_build_object('provider', gate.provider, 'environment', gate.environment, 'state', gate.state, 'code', gate.last_code,
       'credentials', (select coalesce(jsonb_agg(credential.id order by credential.id), '[]') from credentials credential
         where (credential.provider, credential.environment, credential.account_number)
             = (gate.provider, gate.environment, gate.account_number))) as detail
   from pin_gates gate where gate.state not in ('open', 'unproven') order by gate.updated_at limit ${MOST}`,
  `select 'review.opened' as kind, item.id as subject,
     jsonb_build_object('review', item.id, 'kind', item.kind, 'payout', item.payout_id, 'merchant', payout.merchant_id,
       'environment', payout.environment, 'amount', payout.amount::text, 'currency', payout.currency) as detail
   from review_items item left join payouts payout on payout.id = item.payout_id
   where item.closed_at is null
     and not exists (select from operator_alerts told
       where told.kind = 'review.opened' and told.subject = item.id and told.ended_at is null)
   order by item.opened_at limit ${MOST}`,
  `select 'float.low' as kind, concat_ws('/', 'float', alert.merchant_id, alert.environment, alert.currency) as subject,
     jsonb_build_object('of', 'merchant', 'merchant', alert.merchant_id, 'environment', alert.environment,
       'currency', alert.currency, 'below', alert.below::text, 'available', coalesce(account.balance, 0)::text) as detail
   from float_alerts alert left join ledger_accounts account
     on (account.merchant_id, account.environment, account.currency)
      = (alert.merchant_id, alert.environment, alert.currency) and account.kind = 'available'
   where coalesce(account.balance, 0) < alert.below`,
  `select 'float.low' as kind, 'bulk/' || id as subject,
     jsonb_build_object('of', 'merchant', 'merchant', merchant_id, 'environment', environment, 'bulk', id) as detail
   from bulks where state = 'awaiting_float' order by id limit ${MOST}`,
  `select 'float.low' as kind, 'credential/' || credential.id as subject,
     jsonb_build_object('of', 'provider', 'provider', credential.provider, 'credential', credential.id,
       'merchant', credential.merchant_id, 'environment', credential.environment) as detail
   from credentials credential
   where exists (select from payouts where credential_id = credential.id and state = 'queued'
     and reason = 'provider_float_low')`,
  `select 'restore.opened' as kind, id as subject, jsonb_build_object('restore', id, 'since', since) as detail
   from restores where released_at is null`,
] as const;

/** What stands now of the kinds that PostgreSQL alone knows; of reviews those that were not told yet. */
export async function readConditions(db: Db): Promise<readonly OperatorCondition[]> {
  const found: OperatorCondition[] = [];
  for (const sql of READS) found.push(...(await db.query<OperatorCondition>(sql)).rows);
  return found;
}
