import { z } from 'zod';

import type { IdempotencyKey } from '../../db/idempotency-keys';
import { hasOpenReviewItem } from '../../db/review-items';
import { findPayout } from '../../db/payout-rows';
import { findRetryVerdict, lastRetryCheck } from '../../db/retry-checks';
import { retriedPayout, retryPayout } from '../../db/retry-payout';
import { findSentAgain } from '../../db/sent-again';
import { withTransaction } from '../../db/transaction';
import type { Payout } from '../../domain/payout';
import { serializePayout } from '../../domain/payout-object';
import { actorOf } from '../../domain/principal';
import type { ApiDeps } from '../deps';
import { findFirstAnswer, hashFields } from '../first-answer';
import { assertStandsAlone, readOwnPayout } from '../own-payout';
import { ApiProblem } from '../problem';
import { defineRoute } from '../route';
import { payoutParams, said } from '../schemas/fields';
import { payoutAnswer } from '../schemas/payout';
import { locationOf, replayed } from './accept-payout';

const retryRequest = z
  .strictObject(
    {
      expected_attempt: z
        .int(said("give the failed payout's `attempt`"))
        .meta({ description: '`attempt` of the payout as you saw it fail.' }),
    },
    said('give a JSON object'),
  )
  .meta({ id: 'RetryRequest' });

export const retryPayoutRoute = defineRoute({
  method: 'post',
  path: '/v1/payouts/{payoutId}/retry',
  operationId: 'retryPayout',
  summary: 'Send a failed payout again, after every earlier attempt was looked up once more.',
  tag: 'Payouts',
  access: 'merchant',
  idempotent: true,
  params: payoutParams,
  body: retryRequest,
  answers: { 202: { description: 'Queued with a new attempt and a new hold.', schema: payoutAnswer } },
  problems: [
    'not_found',
    'idempotency_key_reused',
    'owned_by_bulk',
    'not_retryable',
    'attempt_mismatch',
    'review_open',
    'sent_again',
    'retry_found_paid',
    'retry_not_proven',
    'conflict',
    'insufficient_float',
    'restoring',
    'unavailable',
    'outcome_not_known',
  ],
  async handle({ principal, params, body, idempotencyKey }, deps) {
    const { merchantId, environment } = principal;
    const { payout } = await readOwnPayout(deps.pool, principal, params.payoutId);
    const key: IdempotencyKey = { merchantId, environment, operation: 'retry', key: idempotencyKey };
    const compared = { payout_id: payout.id, expected_attempt: body.expected_attempt };
    const fieldHashes = await hashFields(deps.sealing, merchantId, compared);
    const first = await findFirstAnswer(deps, key, fieldHashes);
    if (first) return replayed(first);

    await assertRetryable(payout, body.expected_attempt, deps);
    await assertUnpaid(payout, deps);
    const at = new Date();
    const retried = retriedPayout(payout, at);
    const answer = serializePayout(retried);
    const answerEnc = await deps.sealing.seal(merchantId, 'first-answer', JSON.stringify(answer));
    const result = await retryPayout(deps.pool, {
      payout,
      actor: actorOf(principal),
      at,
      key,
      binding: { fieldHashes, answerEnc },
    });
    switch (result) {
      case 'retried':
        deps.startRun(retried);
        return { status: 202, body: answer, headers: { Location: locationOf(payout.id) } };
      case 'changed':
      case 'duplicate': {
        const winner = await findFirstAnswer(deps, key, fieldHashes);
        if (winner) return replayed(winner);
        throw new ApiProblem('conflict');
      }
      case 'review_open':
      case 'insufficient_float':
        throw new ApiProblem(result);
      case 'sent_again': {
        const question = { payoutIds: [payout.id], days: 0 };
        const by = (await withTransaction(deps.pool, (trx) => findSentAgain(trx, question))).get(payout.id);
        throw new ApiProblem('sent_again', by === undefined ? {} : { detail: `${by} has the same reference.` });
      }
      case 'unproven_submission':
        throw new ApiProblem('retry_not_proven');
      default:
        return result satisfies never;
    }
  },
});

async function assertRetryable(payout: Payout, expectedAttempt: number, { pool }: ApiDeps): Promise<void> {
  assertStandsAlone(payout);
  const members = { state: payout.state, attempt: payout.attempt };
  if (payout.state !== 'failed')
    throw new ApiProblem('not_retryable', { detail: `Its state is ${payout.state}.`, members });
  if (payout.attempt !== expectedAttempt) {
    throw new ApiProblem('attempt_mismatch', { detail: `It is at attempt ${payout.attempt}.`, members });
  }
  if (await hasOpenReviewItem(pool, payout.id)) throw new ApiProblem('review_open');
}

/** Asks the provider once more about every earlier reference; outside any transaction, since it takes its time. */
async function assertUnpaid(payout: Payout, { pool, runs }: ApiDeps): Promise<void> {
  const after = await lastRetryCheck(pool, payout.id);
  await runs.checkRetry({ payoutId: payout.id, provider: payout.provider, after });
  const verdict = await findRetryVerdict(pool, payout, after);
  switch (verdict) {
    case 'clear':
      return;
    case 'paid':
      throw new ApiProblem('retry_found_paid');
    case 'unsure':
      throw new ApiProblem('retry_not_proven');
    case null:
      // It went on meanwhile, which its lock tells.
      if ((await findPayout(pool, payout.id))?.version !== payout.version) return;
      throw new ApiProblem('unavailable', {
        detail: 'The provider could not be asked about the earlier attempts.',
        headers: { 'Retry-After': '30' },
      });
    default:
      return verdict satisfies never;
  }
}
