import type { Pool } from 'pg';

import type { Environment } from '../domain/environment';
import type { WebhookEvent } from '../domain/webhook-event';
import { insertOperatorEvent } from './operator-actions';
import type { Db } from './pool';
import { withTransaction } from './transaction';

/** Where a merchant hears of its payouts. */
export interface WebhookEndpoint {
  id: string;
  merchantId: string;
  environment: Environment;
  url: string;
  events: readonly WebhookEvent[];
  createdAt: Date;
  disabledAt: Date | null;
  /** Until when the secret before the present one signs as well; null where no rotation lasts. */
  previousSecretUntil: Date | null;
}

interface WebhookEndpointRow {
  id: string;
  merchant_id: string;
  environment: Environment;
  url: string;
  events: WebhookEvent[];
  created_at: Date;
  disabled_at: Date | null;
  previous_secret_until: Date | null;
}

const COLUMNS = 'id, merchant_id, environment, url, events, created_at, disabled_at, previous_secret_until';

function rowToEndpoint(row: WebhookEndpointRow): WebhookEndpoint {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    environment: row.environment,
    url: row.url,
    events: row.events,
    createdAt: row.created_at,
    disabledAt: row.disabled_at,
    previousSecretUntil: row.previous_secret_until,
  };
}

export async function merchantExists(db: Db, merchantId: string): Promise<boolean> {
  const { rowCount } = await db.query('select from merchants where id = $1', [merchantId]);
  return rowCount === 1;
}

/** Adds an endpoint; it hears of what happens from now on. `secretEnc` is sealed with the purpose `webhook-secret`. */
export async function createWebhookEndpoint(
  pool: Pool,
  endpoint: Pick<WebhookEndpoint, 'id' | 'merchantId' | 'environment' | 'url' | 'events'> & {
    secretEnc: Buffer;
    personId: string;
  },
): Promise<WebhookEndpoint> {
  return await withTransaction(pool, async (trx) => {
    const { rows } = await trx.query<WebhookEndpointRow>(
      `insert into webhook_endpoints (id, merchant_id, environment, url, events, secret_enc)
       values ($1, $2, $3, $4, $5, $6) returning ${COLUMNS}`,
      [endpoint.id, endpoint.merchantId, endpoint.environment, endpoint.url, endpoint.events, endpoint.secretEnc],
    );
    const { personId, id, merchantId, environment } = endpoint;
    await insertOperatorEvent(trx, {
      personId,
      action: 'webhook_endpoint_create',
      target: id,
      detail: { merchant: merchantId, environment },
    });
    if (!rows[0]) throw new Error(`webhook endpoint ${id} was not written`);
    return rowToEndpoint(rows[0]);
  });
}

export async function findWebhookEndpoint(db: Db, id: string): Promise<WebhookEndpoint | null> {
  const { rows } = await db.query<WebhookEndpointRow>(`select ${COLUMNS} from webhook_endpoints where id = $1`, [id]);
  return rows[0] ? rowToEndpoint(rows[0]) : null;
}

/** All endpoints of a merchant, switched off ones too, the newest first. */
export async function listWebhookEndpoints(db: Db, merchantId: string): Promise<readonly WebhookEndpoint[]> {
  const { rows } = await db.query<WebhookEndpointRow>(
    `select ${COLUMNS} from webhook_endpoints where merchant_id = $1 order by id desc`,
    [merchantId],
  );
  return rows.map(rowToEndpoint);
}

/** Switches an endpoint off and gives up what it has not heard yet. False where it does not exist; twice is once. */
export async function disableWebhookEndpoint(
  pool: Pool,
  { id, personId }: { id: string; personId: string },
): Promise<boolean> {
  return await withTransaction(pool, async (trx) => {
    const { rows } = await trx.query<{ was_enabled: boolean }>(
      `with present as (select id, disabled_at is null as was_enabled from webhook_endpoints where id = $1 for update)
       update webhook_endpoints endpoint set disabled_at = coalesce(disabled_at, clock_timestamp())
       from present where endpoint.id = present.id returning was_enabled`,
      [id],
    );
    if (!rows[0]) return false;
    if (rows[0].was_enabled) {
      await trx.query(
        `update outbox set given_up_at = clock_timestamp()
         where endpoint_id = $1 and delivered_at is null and given_up_at is null`,
        [id],
      );
      await insertOperatorEvent(trx, { personId, action: 'webhook_endpoint_disable', target: id });
    }
    return true;
  });
}

/**
 * Gives an endpoint a new secret; the present one signs beside it for `overlapMs`. Null where the endpoint does not
 * exist or is switched off.
 */
export async function rotateWebhookSecret(
  pool: Pool,
  rotation: { id: string; secretEnc: Buffer; overlapMs: number; personId: string },
): Promise<WebhookEndpoint | null> {
  return await withTransaction(pool, async (trx) => {
    const { rows } = await trx.query<WebhookEndpointRow>(
      `update webhook_endpoints set secret_enc = $2, previous_secret_enc = secret_enc,
         previous_secret_until = clock_timestamp() + $3 * interval '1 millisecond'
       where id = $1 and disabled_at is null returning ${COLUMNS}`,
      [rotation.id, rotation.secretEnc, rotation.overlapMs],
    );
    if (!rows[0]) return null;
    await insertOperatorEvent(trx, {
      personId: rotation.personId,
      action: 'webhook_secret_rotate',
      target: rotation.id,
    });
    return rowToEndpoint(rows[0]);
  });
}
