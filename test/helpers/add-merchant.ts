import { newId } from '../../src/db/ids';
import { topUpFloat } from '../../src/db/operator-actions';
import { saveCredential } from '../../src/db/save-credential';
import type { PayoutWorld } from './payout-world';

export interface AddedMerchant {
  merchantId: string;
  credentialId: string;
}

/**
 * Another merchant than the world's own, with a float (XOF) and an account of its own at the provider: they share no lease, no
 * gate and no balance. `index` (0 to 99) tells it from others.
 */
export async function addMerchant(
  { pool, vault, simulator }: PayoutWorld,
  { index, float }: { index: number; float: bigint },
): Promise<AddedMerchant> {
  const merchantId = newId('mer');
  const tenant = { merchantId, environment: 'sandbox' } as const;
  const msisdn = `7820000${String(index).padStart(2, '0')}`;
  const [pin, personId] = ['2468', 'per_one'];
  simulator.putAccount({ msisdn, code: String(200_000 + index), type: 'retailer', pin, float: 1_000_000 });
  await pool.query('insert into merchants (id, name) values ($1, $1)', [merchantId]);
  await topUpFloat(pool, { ...tenant, currency: 'XOF', amount: float, requestId: merchantId, personId });
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
