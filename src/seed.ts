import { randomBytes } from 'node:crypto';
import { access } from 'node:fs/promises';

import { createApiKey } from './db/api-keys';
import { newId } from './db/ids';
import { topUpFloat } from './db/operator-actions';
import { saveCredential } from './db/save-credential';
import type { Core } from './deps';
import { WEBHOOK_EVENTS } from './domain/webhook-event';

const MERCHANT = 'mer_demo';
const OPERATORS = ['per_awa', 'per_binta'] as const;
const FLOAT = 10_000_000n;

/** The Orange simulator's own sandbox client and retailer; they open nothing but the simulator. */
const SANDBOX = { clientId: 'sandbox-client', clientSecret: 'sandbox-secret', accountNumber: '781234567', pin: '2468' };

export interface SeededKeys {
  merchantKey: string;
  operatorKeys: readonly [string, string];
  webhookSecret: string;
}

/**
 * Makes the sandbox merchant of a development machine with its float, credential and webhook endpoint, and two
 * operators. Done once; where it is done already, null, and only the endpoint's address is set anew. Keys cannot be read
 * back, so that a lost `keysFile` means new keys.
 */
export async function seedDevelopment(
  core: Core,
  { webhookUrl, keysFile }: { webhookUrl: string; keysFile: string },
): Promise<SeededKeys | null> {
  const { pool, vault } = core;
  await pool.query('insert into merchants (id, name) values ($1, $2) on conflict do nothing', [
    MERCHANT,
    'Demo merchant',
  ]);
  for (const id of OPERATORS) {
    await pool.query('insert into persons (id, name) values ($1, $1) on conflict do nothing', [id]);
  }
  const hasKeys = await access(keysFile).then(
    () => true,
    () => false,
  );
  if (hasKeys) {
    await pool.query('update webhook_endpoints set url = $2 where merchant_id = $1', [MERCHANT, webhookUrl]);
    return null;
  }
  const tenant = { merchantId: MERCHANT, environment: 'sandbox' } as const;
  await topUpFloat(pool, { ...tenant, currency: 'XOF', amount: FLOAT, requestId: 'seed', personId: OPERATORS[0] });
  await seedCredential(core);

  const webhookSecret = `whsec_${randomBytes(24).toString('base64')}`;
  await pool.query('update webhook_endpoints set disabled_at = now() where merchant_id = $1 and disabled_at is null', [
    MERCHANT,
  ]);
  await pool.query(
    'insert into webhook_endpoints (id, merchant_id, environment, url, events, secret_enc) values ($1, $2, $3, $4, $5, $6)',
    [
      newId('we'),
      MERCHANT,
      tenant.environment,
      webhookUrl,
      WEBHOOK_EVENTS,
      await vault.seal(MERCHANT, 'webhook-secret', webhookSecret),
    ],
  );
  const merchant = await createApiKey(pool, {
    role: 'merchant',
    ...tenant,
    subject: { kind: 'system', systemId: 'sys_demo' },
  });
  const [first, second] = OPERATORS;
  const operators = [
    (await createApiKey(pool, { role: 'operator', subject: { kind: 'person', personId: first } })).key,
    (await createApiKey(pool, { role: 'operator', subject: { kind: 'person', personId: second } })).key,
  ] as const;
  return { merchantKey: merchant.key, operatorKeys: operators, webhookSecret };
}

/** Saves the simulator's credential after one call has passed with it, as `credential set` does. */
async function seedCredential({ pool, vault, providers }: Core): Promise<void> {
  const { clientId, clientSecret, accountNumber, pin } = SANDBOX;
  const account = { clientId, clientSecret, accountNumber, idType: 'MSISDN' } as const;
  const { orange } = providers;
  const token = await orange.authenticate(account);
  const key = await orange.account.fetchEncryptionKey(account, token.value);
  await orange.account.fetchRetailerBalance(account, token.value, orange.account.encryptPin(pin, key));
  await saveCredential(pool, {
    id: newId('cred'),
    merchantId: MERCHANT,
    environment: 'sandbox',
    provider: 'orange',
    operator: 'orange_sn',
    role: 'primary',
    accountNumber,
    idType: 'MSISDN',
    secretEnc: await vault.seal(MERCHANT, 'credential', JSON.stringify({ clientId, clientSecret })),
    pinEnc: await vault.seal(MERCHANT, 'pin', pin),
    pinFingerprint: vault.fingerprintPin('orange', accountNumber, pin),
    gate: 'open',
    personId: OPERATORS[0],
  });
}
