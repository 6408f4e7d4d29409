import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { CallbackClaim } from '../../domain/callback-merge';
import { cleanReference } from '../clean-words';
import type { CallbackSecrets, ParsedBatchCallback, ParsedCallback, RawCallback } from '../../domain/callback';
import { parseMsisdn } from '../../domain/msisdn';
import { toMinorUnits } from './minor-units';
import { notificationSchema, readJson } from './schemas';

const SIGNATURE = /^t=(\d{1,12})((?:,v1=[0-9a-f]{64})+)$/;

/**
 * Reads a merchant callback (`Notification` of type `CASHIN`). With a signing secret the signature decides, else the
 * registered `Authorization` value; with neither, the unguessable path that it came by was proof enough. An authentic
 * body that cannot be read is a callback that claims nothing: refusing it would lose the hint, since 4xx is final.
 */
export function parseCallback(callback: RawCallback, secrets: CallbackSecrets, toleranceMs: number): ParsedCallback {
  const forged = whyForged(callback, secrets, toleranceMs);
  if (forged !== null) return { authentic: false, why: forged };
  const { data } = notificationSchema.safeParse(readJson(callback.body.toString('utf8')));
  return {
    authentic: true,
    eventId: cleanReference(callback.headers['x-sonatel-idempotency-key']),
    reference: cleanReference(data?.reference),
    providerReference: cleanReference(data?.transactionId),
    claim: data?.type === 'CASHIN' ? claimOf(data.status) : 'other',
    paid: {
      amount: data?.amount ? toMinorUnits(data.amount.value) : null,
      currency: data?.amount?.unit ?? null,
      recipient: data?.customer ? inE164(data.customer.id) : null,
    },
  };
}

function inE164(id: string): string {
  const parsed = parseMsisdn(id, 'SN');
  return parsed.ok ? parsed.e164 : id;
}

/**
 * Reads the callback of a batch (`NotificationBulkCashin`), which came by an address that only the provider was told. It names
 * the batch and says that it has ended; of its lines it says nothing. A signing secret, where there is one, decides.
 */
export function parseBatchCallback(
  callback: RawCallback,
  secrets: CallbackSecrets,
  toleranceMs: number,
): ParsedBatchCallback {
  const { signingSecret } = secrets;
  const forged = signingSecret === null ? null : whyUnsigned(callback, signingSecret, toleranceMs);
  if (forged !== null) return { authentic: false, why: forged };
  const { data } = notificationSchema.safeParse(readJson(callback.body.toString('utf8')));
  return {
    authentic: true,
    eventId: cleanReference(callback.headers['x-sonatel-idempotency-key']),
    batchReference: data?.type === 'BULK_CASHIN' ? cleanReference(data.reference) : null,
  };
}

function claimOf(status: string | null | undefined): CallbackClaim {
  if (status === 'SUCCESS') return 'success';
  return status === 'FAILED' ? 'failed' : 'other';
}

function whyForged(callback: RawCallback, secrets: CallbackSecrets, toleranceMs: number): string | null {
  if (secrets.signingSecret !== null) return whyUnsigned(callback, secrets.signingSecret, toleranceMs);
  if (secrets.authorization === null) return null;
  const given = callback.headers['authorization'];
  if (given === undefined) return 'no authorization';
  return equalSecrets(given, `Basic ${secrets.authorization}`) ? null : 'wrong authorization';
}

function whyUnsigned(callback: RawCallback, secret: string, toleranceMs: number): string | null {
  const [, seconds, signatures] = SIGNATURE.exec(callback.headers['x-sonatel-signature'] ?? '') ?? [];
  if (seconds === undefined || signatures === undefined) return 'no signature';
  if (Math.abs(callback.receivedAt.getTime() - Number(seconds) * 1_000) > toleranceMs)
    return 'signature too old or early';
  const expected = createHmac('sha256', secret).update(`${seconds},`).update(callback.body).digest('hex');
  const given = signatures.split(',v1=').slice(1);
  return given.some((signature) => equalSecrets(signature, expected)) ? null : 'wrong signature';
}

/** Compares in constant time; hashing first hides the lengths too. */
function equalSecrets(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
