import type { Environment } from '../domain/environment';
import type { ProviderId } from '../domain/methods';
import type { Db } from './pool';
import { prepared } from './prepared';
import { PIN_KEY_COLUMNS, PIN_KEY_JOIN, rowToPinKey } from './provider-keys';
import type { PinKeyRow, StoredPinKey } from './provider-keys';

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

/** With the provider's present key and the PIN under it; null where there is no key yet. */
export interface KeyedCredential extends Credential {
  pinKey: StoredPinKey | null;
}

export interface CredentialRow {
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

/** The columns of a `CredentialRow`. */
export const CREDENTIAL_COLUMNS = [
  'id',
  'merchant_id',
  'environment',
  'provider',
  'operator',
  'role',
  'account_number',
  'id_type',
  'secret_enc',
  'pin_enc',
  'pin_version',
] as const satisfies readonly (keyof CredentialRow)[];

const COLUMNS = CREDENTIAL_COLUMNS.map((column) => `credential.${column}`).join(', ');

const FIND = prepared('find_credential', `select ${COLUMNS} from credentials credential where id = $1`);

const FIND_OF_PAYOUT = prepared(
  'find_credential_of_payout',
  `select ${COLUMNS}, ${PIN_KEY_COLUMNS}
   from payouts join credentials credential on credential.id = payouts.credential_id ${PIN_KEY_JOIN}
   where payouts.id = $1`,
);

export async function findCredential(db: Db, credentialId: string): Promise<Credential> {
  const { rows } = await db.query<CredentialRow>(FIND(credentialId));
  if (!rows[0]) throw new Error(`credential ${credentialId} does not exist`);
  return rowToCredential(rows[0]);
}

export async function findCredentialOfPayout(db: Db, payoutId: string): Promise<KeyedCredential> {
  const { rows } = await db.query<CredentialRow & PinKeyRow>(FIND_OF_PAYOUT(payoutId));
  if (!rows[0]) throw new Error(`payout ${payoutId} does not exist`);
  return { ...rowToCredential(rows[0]), pinKey: rowToPinKey(rows[0]) };
}

export function rowToCredential(row: CredentialRow): Credential {
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
