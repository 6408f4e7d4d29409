import { randomBytes } from 'node:crypto';

import type { Pool } from 'pg';

import type { RequestBudget } from './activities/request-budget';
import { createApiKey } from './db/api-keys';
import { newId } from './db/ids';
import { topUpFloat } from './db/operator-actions';
import { verifyPerson } from './db/persons';
import { saveCredential } from './db/save-credential';
import type { Core } from './deps';
import { WEBHOOK_EVENTS } from './domain/webhook-event';

const MERCHANT = 'mer_demo';
const OPERATORS = ['per_awa', 'per_binta'] as const;
const PERSONS = ['per_coumba', 'per_demba'] as const;
/** Answers for what the merchant's system sends. */
const RESPONSIBLE = 'per_fatou';
const DOCUMENT = 'development';
const FLOAT = 10_000_000n;

/** A bulk above either needs an approval, each counted alone: more than the demonstration sends, however often it is run. */
const APPROVAL_ABOVE = { lines: 1_000, total: 10_000_000n };

/** The Orange simulator's own sandbox client and retailer; they open nothing but the simulator. */
const SANDBOX = { clientId: 'sandbox-client', clientSecret: 'sandbox-secret', accountNumber: '781234567', pin: '2468' };

export interface SeedDeps extends Pick<Core, 'pool' | 'vault' | 'providers'> {
  budget: RequestBudget;
}

export interface SeededKeys {
  merchantKey: string;
  personKeys: readonly [string, string];
  operatorKeys: readonly [string, string];
  webhookSecret: string;
}

/**
 * Makes the sandbox merchant of a development machine with its float, credential, webhook endpoint and two persons, and
 * two operators. Done once; with `hasKeys`, null, and only the endpoint's address is set anew. Keys cannot be read back, so
 * that lost ones mean new ones.
 */
export async function seedDevelopment(
  deps: SeedDeps,
  { webhookUrl, hasKeys }: { webhookUrl: string; hasKeys: boolean },
): Promise<SeededKeys | null> {
  const { pool, vault } = deps;
  await pool.query(
    `insert into merchants (id, name, approval_above_lines, approval_above_total, approval_window) values ($1, $2, $3, $4, '0')
     on conflict do nothing`,
    [MERCHANT, 'Demo merchant', APPROVAL_ABOVE.lines, APPROVAL_ABOVE.total],
  );
  for (const id of [...OPERATORS, ...PERSONS, RESPONSIBLE]) {
    await pool.query('insert into persons (id, name) values ($1, $1) on conflict do nothing', [id]);
  }
  for (const id of OPERATORS) await breakGlassOnce(pool, id);
  if (hasKeys) {
    await pool.query('update webhook_endpoints set url = $2 where merchant_id = $1', [MERCHANT, webhookUrl]);
    return null;
  }
  const tenant = { merchantId: MERCHANT, environment: 'sandbox' } as const;
  await topUpFloat(pool, { ...tenant, currency: 'XOF', amount: FLOAT, requestId: 'seed', personId: OPERATORS[0] });
  await seedCredential(deps);

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
    subject: { kind: 'system', systemId: 'sys_demo', responsiblePersonId: RESPONSIBLE },
  });
  const issue = (personId: string, of: { role: 'operator' } | ({ role: 'merchant' } & typeof tenant)) =>
    createApiKey(pool, { ...of, subject: { kind: 'person', personId } });
  const operatorKeys = [
    await issue(OPERATORS[0], { role: 'operator' }),
    await issue(OPERATORS[1], { role: 'operator' }),
  ] as const;
  for (const personId of PERSONS) {
    for (const { id: keyId } of operatorKeys) await verifyPerson(pool, { personId, document: DOCUMENT, keyId });
  }
  const member = { role: 'merchant', ...tenant } as const;
  return {
    merchantKey: merchant.key,
    personKeys: [(await issue(PERSONS[0], member)).key, (await issue(PERSONS[1], member)).key],
    operatorKeys: [operatorKeys[0].key, operatorKeys[1].key],
    webhookSecret,
  };
}

async function breakGlassOnce(pool: Pool, personId: string): Promise<void> {
  await pool.query(
    `insert into person_acts (person_id, act, document) select $1, 'break_glass', $2
     where not exists (select from person_acts where person_id = $1 and act = 'break_glass')`,
    [personId, DOCUMENT],
  );
}

/** Saves the simulator's credential after one call has passed with it, as `credential set` does. */
async function seedCredential({ pool, vault, providers, budget }: SeedDeps): Promise<void> {
  const { clientId, clientSecret, accountNumber, pin } = SANDBOX;
  const account = { clientId, clientSecret, accountNumber, idType: 'MSISDN' } as const;
  const { sandbox: orange } = providers.orange;
  const turn = (): Promise<void> => budget.spend({ provider: 'orange', accountNumber });
  await turn();
  const token = await orange.authenticate(account);
  await turn();
  const key = await orange.account.fetchEncryptionKey(account, token.value);
  await turn();
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
