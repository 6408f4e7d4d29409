import { createHash } from 'node:crypto';

import type { Request } from 'express';
import { z } from 'zod';

import { findBatchCredential, noteBatchCallback } from '../../db/bulk-batches';
import { applyCallback, findCallbackCredential, insertCallback, markCallbackApplied } from '../../db/callbacks';
import type { CallbackCredential } from '../../db/callbacks';
import { newId } from '../../db/ids';
import { withTransaction } from '../../db/transaction';
import { PROVIDERS } from '../../domain/methods';
import type { ProviderId } from '../../domain/methods';
import type { CallbackSecrets, RawCallback } from '../../domain/callback';
import type { ApiDeps } from '../deps';
import { ApiProblem } from '../problem';
import { defineRoute } from '../route';

const NO_SECRETS: CallbackSecrets = { signingSecret: null, authorization: null };

const callbackSecrets = z.object({ signingSecret: z.string().nullable(), authorization: z.string().nullable() });

export const callbackRoute = defineRoute({
  method: 'post',
  path: '/callbacks/{provider}/{token}',
  operationId: 'receiveCallback',
  summary: "A provider's callback: kept, then confirmed by asking the provider; nothing settles on it alone.",
  tag: 'Callbacks',
  access: 'public',
  params: z.object({ provider: z.enum(PROVIDERS), token: z.string().regex(/^[\w-]{16,200}$/) }),
  rawBody: true,
  answers: { 202: { description: 'Kept.' } },
  problems: ['callback_not_authentic', 'not_found', 'unavailable'],
  async handle({ params: { provider, token }, request }, deps) {
    const { pool, sealing, parseCallback, logger } = deps;
    const tokenHash = createHash('sha256').update(token).digest();
    const raw = readRawCallback(request);
    const credential = await findCallbackCredential(pool, provider, tokenHash);
    if (!credential) return await keepBatchCallback({ provider, tokenHash, raw }, deps);
    const parsed = parseCallback(provider, raw, await openSecrets(credential, deps));
    if (!parsed.authentic) {
      logger.warn({ provider, credentialId: credential.credentialId, why: parsed.why }, 'a callback is not authentic');
      throw new ApiProblem('callback_not_authentic');
    }
    const id = newId('cb');
    const isNew = await insertCallback(pool, {
      id,
      provider,
      credentialId: credential.credentialId,
      eventId: indexable(parsed.eventId) ?? createHash('sha256').update(raw.body).digest('hex'),
      reference: indexable(parsed.reference),
      providerReference: indexable(parsed.providerReference),
      claim: parsed.claim,
      paid: {
        ...parsed.paid,
        currency: comparable(parsed.paid.currency),
        recipient: comparable(parsed.paid.recipient),
      },
      bodyEnc: await sealing.seal(credential.merchantId, 'callback', raw.body.toString('utf8')),
    });
    if (isNew) await passOn(id, deps);
    return { status: 202 };
  },
});

/** The callback of a batch came by an address of its own. Kept with its hint, in one transaction; the bulk's run looks then. */
async function keepBatchCallback(
  { provider, tokenHash, raw }: { provider: ProviderId; tokenHash: Buffer; raw: RawCallback },
  deps: ApiDeps,
): Promise<{ status: 202 }> {
  const { pool, sealing, parseBatchCallback, logger } = deps;
  const batch = await findBatchCredential(pool, provider, tokenHash);
  if (!batch) throw new ApiProblem('not_found');
  const parsed = parseBatchCallback(provider, raw, await openSecrets(batch, deps));
  if (!parsed.authentic) {
    logger.warn({ provider, batch: batch.batchId, why: parsed.why }, 'the callback of a batch is not authentic');
    throw new ApiProblem('callback_not_authentic');
  }
  const bodyEnc = await sealing.seal(batch.merchantId, 'callback', raw.body.toString('utf8'));
  await withTransaction(pool, async (trx) => {
    const id = newId('cb');
    const isNew = await insertCallback(trx, {
      id,
      provider,
      credentialId: batch.credentialId,
      eventId: indexable(parsed.eventId) ?? createHash('sha256').update(tokenHash).update(raw.body).digest('hex'),
      reference: null,
      providerReference: indexable(parsed.batchReference),
      claim: 'other',
      paid: { amount: null, currency: null, recipient: null },
      bodyEnc,
    });
    if (!isNew) return;
    await noteBatchCallback(trx, batch.batchId, indexable(parsed.batchReference));
    await markCallbackApplied(trx, id);
  });
  return { status: 202 };
}

/** It is kept by now: whatever fails here is the sweeper's, and the provider need not repeat it. */
async function passOn(callbackId: string, { pool, runs, logger }: ApiDeps): Promise<void> {
  try {
    const due = await applyCallback(pool, callbackId);
    if (!due) return;
    runs
      .signalReported(due.payoutId, callbackId)
      .catch((err: unknown) =>
        logger.info({ err, callbackId }, 'the run was not told of a callback; the sweeper will'),
      );
  } catch (err) {
    logger.warn({ err, callbackId }, 'a callback was kept and not passed on; the sweeper will');
  }
}

async function openSecrets(
  credential: Pick<CallbackCredential, 'merchantId' | 'callbackSecretsEnc'>,
  { sealing }: ApiDeps,
): Promise<CallbackSecrets> {
  const { merchantId, callbackSecretsEnc } = credential;
  if (!callbackSecretsEnc) return NO_SECRETS;
  return callbackSecrets.parse(JSON.parse(await sealing.open(merchantId, 'callback-secrets', callbackSecretsEnc)));
}

function readRawCallback(request: Request): RawCallback {
  const headers = Object.entries(request.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : value,
  ]);
  const body: unknown = request.body;
  return {
    body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
    headers: Object.fromEntries(headers) as RawCallback['headers'],
    receivedAt: new Date(),
  };
}

/** What a stranger sent as an id, where it can be one: an index holds it, and a log line may show it. */
function indexable(value: string | null): string | null {
  return value !== null && /^[\x21-\x7e]{1,200}$/.test(value) ? value : null;
}

/** What is only compared: of what PostgreSQL could not take no value that was sent is made. */
function comparable(value: string | null): string | null {
  return value === null ? null : (indexable(value) ?? '?');
}
