import type { IdempotencyKey } from '../../db/idempotency-keys';
import { idFrom } from '../../db/ids';
import { findByUniqueReference } from '../../db/payout-search';
import { findUsedReference } from '../../db/used-references';
import { METHODS } from '../../domain/methods';
import { ownPayoutOwner } from '../../domain/payout';
import type { Payout } from '../../domain/payout';
import { serializePayout } from '../../domain/payout-object';
import { actorOf } from '../../domain/principal';
import type { Principal } from '../../domain/principal';
import type { RouteDeps } from '../deps';
import { findFirstAnswer, hashFields } from '../first-answer';
import { comparedFields, normalizePayout } from '../normalized-payout';
import type { NormalizedPayout } from '../normalized-payout';
import { ApiProblem } from '../problem';
import { defineRoute } from '../route';
import type { Answer } from '../route';
import { assertFuture, checkFuture } from '../schedule';
import { acceptedPayoutAnswer } from '../schemas/payout';
import { checkPayoutRequest, payoutRequest } from '../schemas/payout-request';

type Merchant = Extract<Principal, { role: 'merchant' }>;

export const acceptPayoutRoute = defineRoute({
  method: 'post',
  path: '/v1/payouts',
  operationId: 'createPayout',
  summary: 'Send a payout: from the 202 on it is never lost and never paid twice.',
  tag: 'Payouts',
  access: 'merchant',
  idempotent: true,
  body: payoutRequest,
  crossCheck: checkPayoutRequest,
  lateCheck: checkFuture,
  answers: { 202: { description: 'Accepted; the amount is held.', schema: acceptedPayoutAnswer } },
  problems: [
    'idempotency_key_reused',
    'reference_taken',
    'no_route',
    'approval_required',
    'insufficient_float',
    'restoring',
    'unavailable',
    'outcome_not_known',
  ],
  async handle({ principal, body, idempotencyKey }, deps) {
    const { merchantId, environment } = principal;
    const requested = normalizePayout(body);
    const key: IdempotencyKey = { merchantId, environment, operation: 'payout', key: idempotencyKey };
    const fieldHashes = await hashFields(deps.sealing, merchantId, comparedFields(requested));
    const credentialId = await deps.findRouteCredential({ merchantId, environment, operator: requested.method });
    if (requested.scheduledAt !== null || credentialId === null) {
      // A repeated request may come after its time, or after its route has gone. Any other shows itself as a duplicate.
      const first = await findFirstAnswer(deps, key, fieldHashes);
      if (first) return replayed(first);
    }
    if (requested.scheduledAt !== null) assertFuture(requested.scheduledAt);
    if (credentialId === null) throw new ApiProblem('no_route');
    const payout = newPayout(requested, principal, { idempotencyKey, credentialId });
    const usedBy = await findUsedBy(requested, principal, deps);
    if (usedBy !== null && requested.uniqueReference) {
      const first = await findFirstAnswer(deps, key, fieldHashes);
      if (first) return replayed(first);
      throw referenceTaken(usedBy);
    }
    const answer = { ...serializePayout(payout), warnings: usedBy === null ? [] : [usedBefore(usedBy)] };
    const [customerEnc, answerEnc] = await Promise.all([
      deps.sealing.seal(merchantId, 'customer', JSON.stringify(requested.customer)),
      deps.sealing.seal(merchantId, 'first-answer', JSON.stringify(answer)),
    ]);
    const result = await deps.accept({
      payout,
      customerEnc,
      uniqueReference: requested.uniqueReference,
      actor: actorOf(principal),
      key,
      binding: { fieldHashes, answerEnc },
    });
    switch (result) {
      case 'accepted':
        deps.metrics.payoutsAccepted.inc({ method: payout.method, environment });
        deps.startRun(payout);
        return { status: 202, body: answer, headers: { Location: locationOf(payout.id) } };
      case 'insufficient_float':
        throw new ApiProblem('insufficient_float');
      case 'approval_required':
        throw new ApiProblem('approval_required');
      case 'duplicate': {
        const winner = await findFirstAnswer(deps, key, fieldHashes);
        if (winner) return replayed(winner);
        const holder = await findByUniqueReference(deps.pool, principal, requested.reference ?? '');
        throw referenceTaken(holder ?? 'an earlier payout');
      }
      default:
        return result satisfies never;
    }
  },
});

/** The payout of the last days that uses the reference already, if there is one. */
async function findUsedBy(
  { reference }: NormalizedPayout,
  tenant: Merchant,
  { pool, config }: RouteDeps,
): Promise<string | null> {
  if (reference === null) return null;
  return await findUsedReference(pool, tenant, { reference, days: config.BULK_DUPLICATE_DAYS });
}

function usedBefore(usedBy: string): Record<'field' | 'code' | 'detail', string> {
  return {
    field: 'reference',
    code: 'reference_used_before',
    detail: `${usedBy} has the same reference: if it is the same payment, cancel one`,
  };
}

function referenceTaken(holder: string): ApiProblem {
  return new ApiProblem('reference_taken', {
    errors: [{ pointer: '/reference', detail: `is used by ${holder}` }],
  });
}

function newPayout(
  requested: NormalizedPayout,
  { merchantId, environment }: Merchant,
  { idempotencyKey, credentialId }: { idempotencyKey: string; credentialId: string },
): Payout {
  // A database that went back in time gives a repeated request the id that it had: what was sent for it is then found.
  const id = idFrom('po', merchantId, environment, idempotencyKey);
  const isScheduled = requested.scheduledAt !== null;
  const now = new Date();
  return {
    id,
    merchantId,
    environment,
    owner: ownPayoutOwner(id),
    bulkId: null,
    state: isScheduled ? 'scheduled' : 'queued',
    version: 1,
    attempt: 1,
    holdNo: 1,
    amount: requested.amount,
    currency: requested.currency,
    method: requested.method,
    provider: METHODS[requested.method].providers[0],
    credentialId,
    recipient: requested.recipient,
    description: requested.description,
    reference: requested.reference,
    metadata: requested.metadata,
    scheduledAt: requested.scheduledAt,
    reason: isScheduled ? 'scheduled_by_api' : 'accepted_by_api',
    retryAt: null,
    deferrals: 0,
    settleBy: null,
    resend: false,
    providerReference: null,
    acceptedAt: now,
    updatedAt: now,
    finishedAt: null,
  };
}

export function locationOf(payoutId: string): string {
  return `/v1/payouts/${payoutId}`;
}

export function replayed({ objectId, body }: { objectId: string; body: unknown }): Answer {
  return { status: 202, body, headers: { Location: locationOf(objectId), 'Idempotent-Replayed': 'true' } };
}
