import { readBulkStanding } from '../../db/bulk-standings';
import { decideBulk } from '../../db/decide-bulk';
import type { BulkVerdict } from '../../domain/bulk-approval';
import type { Principal } from '../../domain/principal';
import { DECISION_REASON, readApproval } from '../bulk-approval-object';
import { serializeBulk, serializeProgress } from '../bulk-object';
import type { RouteDeps } from '../deps';
import { readOwnBulk } from '../own-bulk';
import { ApiProblem } from '../problem';
import { defineRoute } from '../route';
import type { Answer, Route } from '../route';
import { bulkAnswer, bulkApproval, bulkParams, bulkRefusal } from '../schemas/bulk';

const COMMON = {
  method: 'post',
  tag: 'Bulk cash-ins',
  access: 'merchant',
  params: bulkParams,
  problems: [
    'approval_needs_person',
    'own_bulk',
    'person_not_verified',
    'person_not_independent',
    'sender_unknown',
    'bulk_content_differs',
    'bulk_state',
    'restoring',
    'unavailable',
    'outcome_not_known',
  ],
} as const;

/** Of a bulk above a threshold, by a key of another person than the one who sent it. */
export const decideBulkRoutes: readonly Route[] = [
  defineRoute({
    ...COMMON,
    path: '/v1/bulk-cash-ins/{bulkId}/approve',
    operationId: 'approveBulkCashIn',
    summary: 'Approve a bulk that another person sent: it goes on at once.',
    body: bulkApproval,
    answers: { 200: { description: 'Approved by you, now or before.', schema: bulkAnswer } },
    handle: ({ principal, params, body }, deps) => decide('approved', { principal, ...params, ...body }, deps),
  }),
  defineRoute({
    ...COMMON,
    path: '/v1/bulk-cash-ins/{bulkId}/refuse',
    operationId: 'refuseBulkCashIn',
    summary: 'Refuse a bulk that another person sent: nothing of it ever leaves.',
    body: bulkRefusal,
    answers: { 200: { description: 'Refused by you, now or before.', schema: bulkAnswer } },
    handle: ({ principal, params, body }, deps) => decide('refused', { principal, ...params, ...body }, deps),
  }),
];

interface Request {
  principal: Extract<Principal, { role: 'merchant' }>;
  bulkId: string;
  /** Hex. */
  content_hash: string;
  reason?: string | undefined;
}

async function decide(verdict: BulkVerdict, request: Request, deps: RouteDeps): Promise<Answer> {
  const { principal, bulkId, reason } = request;
  const { subject, keyId, merchantId } = principal;
  await readOwnBulk(deps.pool, principal, bulkId);
  if (subject.kind !== 'person') throw new ApiProblem('approval_needs_person');
  const answer = await decideBulk(deps.bulks, {
    ...{ bulkId, verdict, keyId, personId: subject.personId },
    contentHash: Buffer.from(request.content_hash, 'hex'),
    reasonEnc: reason === undefined ? null : await deps.sealing.seal(merchantId, DECISION_REASON, reason),
  });
  switch (answer.result) {
    case 'own_bulk':
    case 'person_not_verified':
    case 'person_not_independent':
    case 'sender_unknown':
      throw new ApiProblem(answer.result);
    case 'other_content':
      throw new ApiProblem('bulk_content_differs');
    case 'wrong_state':
      throw new ApiProblem('bulk_state', {
        detail: `Its state is ${answer.bulk.state}.`,
        members: { state: answer.bulk.state },
      });
    case 'done':
    case 'done_before':
      break;
    default:
      return answer satisfies never;
  }
  deps.runs.bulkDecided(answer.bulk).catch((err: unknown) => {
    deps.logger.info({ err, bulk: bulkId }, 'the run was not told; the sweeper tells it');
  });
  const [approval, standing] = await Promise.all([
    readApproval(deps, answer.bulk),
    readBulkStanding(deps.pool, bulkId),
  ]);
  return { status: 200, body: { ...serializeBulk(answer.bulk, approval), ...serializeProgress(standing) } };
}
