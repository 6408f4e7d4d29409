import { newId } from '../../src/db/ids';
import { topUpFloat } from '../../src/db/operator-actions';
import { saveCredential } from '../../src/db/save-credential';
import type { PayoutWorld } from '../helpers/payout-world';

/** What a merchant of these tests begins with, in XOF. */
export const KILL_FLOAT = 10_000n;

export interface KillMerchant {
  merchantId: string;
  credentialId: string;
}

/** A merchant with a float and an account of its own at the provider: it shares no lease, no gate and no balance. */
export async function createKillMerchant(world: PayoutWorld, index: number): Promise<KillMerchant> {
  const { pool, vault, simulator } = world;
  const merchantId = newId('mer');
  const tenant = { merchantId, environment: 'sandbox' } as const;
  const msisdn = `7820000${String(index).padStart(2, '0')}`;
  const [pin, personId] = ['2468', 'per_one'];
  simulator.putAccount({ msisdn, code: String(200_000 + index), type: 'retailer', pin, float: 1_000_000 });
  await pool.query('insert into merchants (id, name) values ($1, $1)', [merchantId]);
  await topUpFloat(pool, { ...tenant, currency: 'XOF', amount: KILL_FLOAT, requestId: merchantId, personId });
  const access = JSON.stringify({ clientId: 'sandbox-client', clientSecret: 'sandbox-secret' });
  const { id: credentialId } = await saveCredential(pool, {
    ...tenant,
    ...{ id: newId('cred'), provider: 'orange', operator: 'orange_sn', role: 'primary' },
    ...{ accountNumber: msisdn, idType: 'MSISDN', gate: 'open', personId },
    secretEnc: await vault.seal(merchantId, 'credential', access),
    pinEnc: await vault.seal(merchantId, 'pin', pin),
    pinFingerprint: vault.fingerprintPin('orange', msisdn, pin),
  });
  return { merchantId, credentialId };
}
