import { OPERATOR_TENANT } from '../domain/operator-alert';
import type { Environment } from '../domain/environment';
import type { WebhookEvent } from '../domain/webhook-event';
import type { Db } from './pool';

/** Where a merchant hears of its payouts, without its secrets. */
export interface WebhookEndpoint {
  id: string;
  merchantId: string;
  environment: Environment;
  url: string;
  events: WebhookEvent[];
  createdAt: Date;
  /** Until when the secret before the present one is used as well; null where there is none. */
  previousSecretUntil: Date | null;
}

const COLUMNS = `id, merchant_id as "merchantId", environment, url, events, created_at as "createdAt",
  previous_secret_until as "previousSecretUntil"`;

export async function merchantExists(db: Db, merchantId: string): Promise<boolean> {
  if (merchantId === OPERATOR_TENANT) return false;
  return (await db.query('select from merchants where id = $1', [merchantId])).rowCount === 1;
}

export async function insertWebhookEndpoint(
  db: Db,
  endpoint: Pick<WebhookEndpoint, 'id' | 'merchantId' | 'environment' | 'url' | 'events'> & { secretEnc: Buffer },
): Promise<WebhookEndpoint> {
  const { rows } = await db.query<WebhookEndpoint>(
    `insert into webhook_endpoints (id, merchant_id, environment, url, events, secret_enc)
     values ($1, $2, $3, $4, $5, $6) returning ${COLUMNS}`,
    [endpoint.id, endpoint.merchantId, endpoint.environment, endpoint.url, endpoint.events, endpoint.secretEnc],
  );
  if (!rows[0]) throw new Error('the endpoint was not written');
  return rows[0];
}

/** Endpoints in use, of all merchants or of one. */
export async function listWebhookEndpoints(
  db: Db,
  filter: { merchantId?: string | undefined; environment?: Environment | undefined },
): Promise<readonly WebhookEndpoint[]> {
  const { rows } = await db.query<WebhookEndpoint>(
    `select ${COLUMNS} from webhook_endpoints
     where disabled_at is null and merchant_id <> '${OPERATOR_TENANT}' and ($1::text is null or merchant_id = $1) and ($2::text is null or environment = $2)
     order by created_at, id`,
    [filter.merchantId ?? null, filter.environment ?? null],
  );
  return rows;
}

export async function findWebhookEndpoint(db: Db, endpointId: string): Promise<WebhookEndpoint | null> {
  const { rows } = await db.query<WebhookEndpoint>(
    `select ${COLUMNS} from webhook_endpoints where id = $1 and disabled_at is null`,
    [endpointId],
  );
  return rows[0] ?? null;
}

/** Takes an endpoint out of use; what it was sent stays on record. False where it is none in use. */
export async function disableWebhookEndpoint(db: Db, endpointId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'update webhook_endpoints set disabled_at = clock_timestamp() where id = $1 and disabled_at is null',
    [endpointId],
  );
  return rowCount === 1;
}

/** Gives an endpoint a new secret; the present one goes on being used beside it for 24 hours. */
export async function rotateWebhookSecret(
  db: Db,
  endpointId: string,
  secretEnc: Buffer,
): Promise<WebhookEndpoint | null> {
  const { rows } = await db.query<WebhookEndpoint>(
    `update webhook_endpoints set previous_secret_enc = secret_enc, secret_enc = $2,
       previous_secret_until = clock_timestamp() + interval '24 hours'
     where id = $1 and disabled_at is null returning ${COLUMNS}`,
    [endpointId, secretEnc],
  );
  return rows[0] ?? null;
}

export interface WebhookDelivery {
  eventId: string;
  endpointId: string;
  type: WebhookEvent;
  objectVersion: number;
  createdAt: Date;
  deliveredAt: Date | null;
  givenUpAt: Date | null;
  attempts: { at: string; duration_ms: number; http_status: number | null; result: string }[];
}

/** What a payout, or a bulk itself, had to tell its endpoints, with every attempt at it, oldest first. */
export async function listWebhookDeliveries(
  db: Db,
  of: { payoutId: string } | { bulkId: string },
): Promise<readonly WebhookDelivery[]> {
  const [id, which] =
    'bulkId' in of ? [of.bulkId, 'bulk_id = $1 and payout_id is null'] : [of.payoutId, 'payout_id = $1'];
  const { rows } = await db.query<WebhookDelivery>(
    `select outbox.event_id as "eventId", outbox.endpoint_id as "endpointId", type, object_version as "objectVersion",
       created_at as "createdAt", delivered_at as "deliveredAt", given_up_at as "givenUpAt",
       coalesce((
         select jsonb_agg(jsonb_build_object(
           'at', to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
           'duration_ms', duration_ms, 'http_status', http_status, 'result', result) order by id)
         from webhook_deliveries delivery
         where delivery.event_id = outbox.event_id and delivery.endpoint_id = outbox.endpoint_id), '[]') as attempts
     from outbox where ${which} order by object_version, endpoint_id`,
    [id],
  );
  return rows;
}

/** Makes an event due again, delivered or not; the sweeper takes it up. */
export async function redeliver(
  db: Db,
  { eventId, endpointId }: { eventId: string; endpointId: string },
): Promise<'due' | 'under_way' | 'endpoint_disabled' | 'missing'> {
  const { rows } = await db.query<{ due: boolean; disabled: boolean }>(
    `with asked as (
       select outbox.event_id, outbox.endpoint_id, endpoint.disabled_at is not null as disabled
       from outbox join webhook_endpoints endpoint on endpoint.id = outbox.endpoint_id
       where outbox.event_id = $1 and outbox.endpoint_id = $2
     ), due as (
       update outbox set delivered_at = null, given_up_at = null, handed_over_at = null, sweep_after = clock_timestamp()
       from asked where outbox.event_id = asked.event_id and outbox.endpoint_id = asked.endpoint_id
         and not asked.disabled and (claimed_until is null or claimed_until <= clock_timestamp())
       returning outbox.event_id
     )
     select disabled, exists (select from due) as due from asked`,
    [eventId, endpointId],
  );
  const row = rows[0];
  if (!row) return 'missing';
  if (row.due) return 'due';
  return row.disabled ? 'endpoint_disabled' : 'under_way';
}
