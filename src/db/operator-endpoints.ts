import { OPERATOR_TENANT } from '../domain/operator-alert';
import type { OperatorAlertKind } from '../domain/operator-alert';
import type { Db } from './pool';

/** Where the operator of the installation hears of what needs it, without its secret. */
export interface OperatorEndpoint {
  id: string;
  url: string;
  events: OperatorAlertKind[];
  createdAt: Date;
}

/** The environment says nothing here: an alert names its own. */
export async function insertOperatorEndpoint(
  db: Db,
  endpoint: Pick<OperatorEndpoint, 'id' | 'url'> & { events: readonly OperatorAlertKind[]; secretEnc: Buffer },
): Promise<void> {
  await db.query(
    `insert into webhook_endpoints (id, merchant_id, environment, url, events, secret_enc)
     values ($1, $2, 'live', $3, $4, $5)`,
    [endpoint.id, OPERATOR_TENANT, endpoint.url, endpoint.events, endpoint.secretEnc],
  );
}

export async function listOperatorEndpoints(
  db: Db,
): Promise<readonly (OperatorEndpoint & { undelivered: number; exhausted: number })[]> {
  const { rows } = await db.query<OperatorEndpoint & { undelivered: number; exhausted: number }>(
    `select id, url, events, created_at as "createdAt",
       (select count(*)::int from outbox where endpoint_id = endpoint.id
          and delivered_at is null and given_up_at is null) as undelivered,
       (select count(*)::int from outbox where endpoint_id = endpoint.id and given_up_at is not null) as exhausted
     from webhook_endpoints endpoint where merchant_id = $1 and disabled_at is null order by created_at, id`,
    [OPERATOR_TENANT],
  );
  return rows;
}

/** False where it is none of the operator's in use. */
export async function disableOperatorEndpoint(db: Db, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'update webhook_endpoints set disabled_at = clock_timestamp() where id = $1 and merchant_id = $2 and disabled_at is null',
    [id, OPERATOR_TENANT],
  );
  return rowCount === 1;
}

/** Makes what was given up at an endpoint of the operator due again. Returns how many; null where there is no such endpoint. */
export async function redeliverExhausted(db: Db, id: string): Promise<number | null> {
  const { rowCount: found } = await db.query(
    'select from webhook_endpoints where id = $1 and merchant_id = $2 and disabled_at is null',
    [id, OPERATOR_TENANT],
  );
  if (found !== 1) return null;
  const { rowCount } = await db.query(
    `update outbox set given_up_at = null, handed_over_at = null, sweep_after = clock_timestamp()
     where endpoint_id = $1 and given_up_at is not null and delivered_at is null`,
    [id],
  );
  return rowCount ?? 0;
}
