import type { Pool } from 'pg';

import { insertOperatorEvent } from './operator-actions';
import { withTransaction } from './transaction';

/** Makes a credential's callbacks known by the hash of their path token, before the provider is told the URL. */
export async function saveCallback(
  pool: Pool,
  callback: { credentialId: string; tokenHash: Buffer; secretsEnc: Buffer; personId: string },
): Promise<void> {
  await withTransaction(pool, async (trx) => {
    await trx.query(
      `update credentials set callback_token_hash = $2, callback_secrets_enc = $3, updated_at = now() where id = $1`,
      [callback.credentialId, callback.tokenHash, callback.secretsEnc],
    );
    await insertOperatorEvent(trx, {
      personId: callback.personId,
      action: 'callback_registered',
      target: callback.credentialId,
    });
  });
}
