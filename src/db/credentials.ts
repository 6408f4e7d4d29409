import type { Environment } from '../domain/environment';
import type { ProviderId } from '../domain/methods';
import type { Db } from './pool';

/** A merchant's secret set for one provider, sealed; opened only by those who are about to call. */
export interface Credential {
  id: string;
  merchantId: string;
  environment: Environment;
  provider: ProviderId;
  operator: string;
  role: 'primary' | 'backup';
  accountNumber: string;
  idType: 'MSISDN' | 'CODE';
  /** Sealed JSON `{ clientId, clientSecret }`, purpose `credential`. */
  secretEnc: Buffer;
  /** Sealed PIN, purpose `pin`. */
  pinEnc: Buffer;
  pinVersion: number;
}

interface CredentialRow {
  id: string;
  merchant_id: string;
  environment: Environment;
  provider: ProviderId;
  operator: string;
  role: Credential['role'];
  account_number: string;
  id_type: Credential['idType'];
  secret_enc: Buffer;
  pin_enc: Buffer;
  pin_version: number;
}

export async function findCredential(db: Db, credentialId: string): Promise<Credential> {
  const { rows } = await db.query<CredentialRow>('select * from credentials where id = $1', [credentialId]);
  const row = rows[0];
  if (!row) throw new Error(`credential ${credentialId} does not exist`);
  return {
    id: row.id,
    merchantId: row.merchant_id,
    environment: row.environment,
    provider: row.provider,
    operator: row.operator,
    role: row.role,
    accountNumber: row.account_number,
    idType: row.id_type,
    secretEnc: row.secret_enc,
    pinEnc: row.pin_enc,
    pinVersion: row.pin_version,
  };
}
