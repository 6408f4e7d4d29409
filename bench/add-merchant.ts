import { createApiKey } from '../src/db/api-keys';
import { newId } from '../src/db/ids';
import { topUpFloat } from '../src/db/operator-actions';
import { saveCredential } from '../src/db/save-credential';
import type { Core } from '../src/deps';
import type { WebhookEvent } from '../src/domain/webhook-event';
import { configureAccount } from './simulator-control';
import type { World } from './world';

/** Of each: more than any bench pays out. */
const FLOAT = 100_000_000_000;

const CLIENT = { clientId: 'sandbox-client', clientSecret: 'sandbox-secret' };
const PIN = '1357';

/** One of the operators that the seeding made. */
const OPERATOR = 'per_awa';

export interface BenchMerchant {
  id: string;
  key: string;
}

/**
 * Makes a merchant that needs nobody's approval, with float, a paying account of its own, a key, and the inbox as its
 * endpoint for the given events. `number` (0 to 9) tells it from others.
 */
export async function addMerchant(
  core: Core,
  world: World,
  { number, events }: { number: number; events: readonly WebhookEvent[] },
): Promise<BenchMerchant> {
  const { pool, vault } = core;
  const id = `mer_bench_${number}`;
  const tenant = { merchantId: id, environment: 'sandbox' } as const;
  const accountNumber = `78000000${number}`;
  await configureAccount(world, {
    ...{ msisdn: accountNumber, code: `90000${number}`, type: 'retailer', pin: PIN, float: FLOAT },
  });
  await pool.query('insert into merchants (id, name) values ($1, $1)', [id]);
  const topUp = { currency: 'XOF', amount: BigInt(FLOAT), requestId: 'bench', personId: OPERATOR };
  await topUpFloat(pool, { ...tenant, ...topUp });
  await saveCredential(pool, {
    id: newId('cred'),
    ...tenant,
    provider: 'orange',
    operator: 'orange_sn',
    role: 'primary',
    accountNumber,
    idType: 'MSISDN',
    secretEnc: await vault.seal(id, 'credential', JSON.stringify(CLIENT)),
    pinEnc: await vault.seal(id, 'pin', PIN),
    pinFingerprint: vault.fingerprintPin('orange', accountNumber, PIN),
    gate: 'open',
    personId: OPERATOR,
  });
  await pool.query(
    'insert into webhook_endpoints (id, merchant_id, environment, url, events, secret_enc) values ($1, $2, $3, $4, $5, $6)',
    [
      newId('we'),
      id,
      tenant.environment,
      world.inbox.url,
      events,
      await vault.seal(id, 'webhook-secret', world.keys.webhookSecret),
    ],
  );
  const { key } = await createApiKey(pool, {
    role: 'merchant',
    ...tenant,
    subject: { kind: 'system', systemId: `sys_bench_${number}`, responsiblePersonId: 'per_fatou' },
  });
  return { id, key };
}
