import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

import { acceptBulk, ApprovalChangedError, LostLinesError, RepeatedPaymentsError } from '../db/accept-bulk';
import { findThresholdsPassed } from '../db/bulk-approvals';
import { findSameContent, readStaged } from '../db/check-bulk-lines';
import { findKeyBinding } from '../db/idempotency-keys';
import type { IdempotencyKey } from '../db/idempotency-keys';
import { newId } from '../db/ids';
import { insertBulk, refuseBulk, updateReceivedOptions } from '../db/receive-bulk';
import type { NewBulk, RefusedFor } from '../db/receive-bulk';
import type { Bulk } from '../domain/bulk';
import type { ApprovalThresholds } from '../domain/bulk-approval';
import { leastBulkSeconds } from '../domain/bulk-duration';
import type { BulkLimits } from '../domain/bulk-duration';
import { METHODS } from '../domain/methods';
import type { MethodId } from '../domain/methods';
import { actorOf } from '../domain/principal';
import type { Principal } from '../domain/principal';
import { createContent } from './bulk-body/content';
import type { BulkOptions } from './bulk-body/options';
import { BodyLimitError } from './bulk-body/piece';
import { readBody } from './bulk-body/read-body';
import type { BulkFormat } from './bulk-body/read-body';
import { acceptedBulk, bulkRefusal, dryRunBody, warningsOf } from './bulk-answers';
import type { BulkRoute } from './bulk-answers';
import { createBulkReport } from './bulk-report';
import { checkOptions, checkSchedule, checkWhole } from './check-bulk';
import type { RouteDeps } from './deps';
import { findFirstAnswer, hashFields } from './first-answer';
import { ApiProblem, RETRY_AFTER } from './problem';
import { assertFuture } from './schedule';
import { takeBulkLines } from './take-bulk-lines';

export interface BulkUpload {
  principal: Extract<Principal, { role: 'merchant' }>;
  request: Readable & { headers: IncomingHttpHeaders };
  format: BulkFormat;
  /** Options of the address, as they stand there. */
  options: Record<string, unknown>;
  idempotencyKey: string;
}

export type ReceivedBulk =
  | { result: 'accepted'; bulk: Bulk; body: unknown }
  | { result: 'replayed'; bulkId: string; body: unknown }
  | { result: 'checked'; body: unknown };

/**
 * Receives a bulk: stores and checks its lines as they come in, then accepts the whole or refuses the whole. Whatever
 * ends it, nothing but the report of a refused one stays. Throws the problem of a refusal.
 */
export async function receiveBulk(upload: BulkUpload, deps: RouteDeps): Promise<ReceivedBulk> {
  const { merchantId, environment } = upload.principal;
  const bulkId = newId('bulk');
  const bulk: NewBulk = { id: bulkId, merchantId, environment, ...NO_OPTIONS };
  await insertBulk(deps.pool, bulk, actorOf(upload.principal));
  const content = createContent(deps.config.BULK_MAX_BYTES);
  let refusing: Promise<boolean> | undefined;
  const refuse = (reason: RefusedFor): Promise<boolean> => {
    const contentHash = reason === 'cut_off' ? null : content.digest();
    return (refusing ??= refuseBulk(deps.pool, bulkId, { reason, contentHash }));
  };
  try {
    return await takeAndDecide(upload, deps, bulk, { content, refuse });
  } catch (error) {
    const isRefusal = error instanceof ApiProblem || error instanceof BodyLimitError;
    // A commit whose answer was lost may stand: its bulk is no longer `receiving` then, and stays.
    await refuse(isRefusal ? 'refused_whole' : 'cut_off').catch((err: unknown) => {
      deps.logger.warn({ err, bulk: bulkId }, 'a bulk that did not come in is left to the sweeper');
    });
    throw limitProblem(error) ?? error;
  }
}

const NO_OPTIONS = {
  description: null,
  metadata: {},
  notify: 'summary',
  onInvalid: 'reject',
  scheduledAt: null,
} as const;

async function takeAndDecide(
  { principal, request, format, idempotencyKey, ...upload }: BulkUpload,
  deps: RouteDeps,
  opened: NewBulk,
  { content, refuse }: { content: ReturnType<typeof createContent>; refuse: (reason: RefusedFor) => Promise<boolean> },
): Promise<ReceivedBulk> {
  const { pool, sealing, config } = deps;
  const { id: bulkId, merchantId, environment } = opened;
  const tenant = { merchantId, environment };
  const report = createBulkReport(pool, bulkId);
  const taken = await takeBulkLines(readBody(format, request, content), report, {
    ...{ db: pool, sealing, tenant, bulkId, idempotencyKey, maxLines: config.BULK_MAX_LINES },
    byColumn: format === 'csv' || format === 'multipart',
  });
  const options = await checkOptions({ ...upload.options, ...taken.options }, report);

  const key: IdempotencyKey = { ...tenant, operation: 'bulk', key: idempotencyKey };
  const contentHash = content.digest();
  const fieldHashes = await hashFields(sealing, merchantId, comparedFields(options, contentHash));
  if (await findKeyBinding(pool, key)) return await replay();

  const bulk = withOptions(opened, options);
  await updateReceivedOptions(pool, bulk);
  const mustDeclare = format === 'csv' || format === 'ndjson' || format === 'multipart';
  const duplicateDays = config.BULK_DUPLICATE_DAYS;
  await checkWhole(pool, tenant, report, { bulkId, taken, options, mustDeclare, duplicateDays });
  if (report.count() > 0 || options.dry_run === true) await checkSchedule(options, report);
  await report.finish();
  const sameContentAs = await findSameContent(pool, tenant, contentHash);
  const isRefused = report.countOfWhole() > 0 || (taken.bad > 0 && bulk.onInvalid === 'reject');
  if (options.dry_run === true) {
    const staged = await readStaged(pool, bulkId);
    const routes = await routesOf(staged.methods, deps, tenant);
    const needsApproval = (await findPassed(staged)) !== null;
    const leastSeconds = leastBulkSeconds(staged.lines, limitsOf(config));
    const found = {
      isRefused,
      readAs: taken.readAs,
      staged,
      routes,
      skipped: taken.bad,
      needsApproval,
      leastSeconds,
      sameContentAs,
    };
    const isReportKept = await refuse('dry_run');
    return { result: 'checked', body: dryRunBody(bulkId, report, { ...found, isReportKept }) };
  }
  // A twin of this request may have been accepted since; its lines are then what this one seems to repeat.
  if (isRefused && (await findKeyBinding(pool, key))) return await replay();
  if (isRefused) {
    const isReportKept = await refuse('refused_whole');
    throw bulkRefusal(bulkId, report, { readAs: taken.readAs, sameContentAs, isReportKept });
  }
  if (bulk.scheduledAt !== null) assertFuture(bulk.scheduledAt);
  const staged = await readStaged(pool, bulkId);
  const routes = await routesOf(staged.methods, deps, tenant);
  if (routes.some(({ credentialId }) => credentialId === null)) throw new ApiProblem('no_route');

  for (;;) {
    const accepted = await accept().catch((error: unknown) => {
      // Another one of the same person was accepted meanwhile: what this one's answer says of an approval is written anew.
      if (error instanceof ApprovalChangedError) return 'again' as const;
      throw error;
    });
    if (accepted !== 'again') return accepted;
  }

  async function findPassed({
    lines,
    total,
    currencies,
  }: Awaited<ReturnType<typeof readStaged>>): Promise<ApprovalThresholds | null> {
    const sent = {
      ...tenant,
      id: bulkId,
      createdBy: actorOf(principal),
      lines,
      total,
      currency: currencies[0] ?? null,
    };
    return await findThresholdsPassed(pool, sent, { withReady: true });
  }

  async function accept(): Promise<ReceivedBulk> {
    const passed = await findPassed(staged);
    const expiresAt = new Date(Date.now() + config.BULK_APPROVAL_HOURS * 3_600_000);
    const approval = passed && { passed, expiresAt };
    const accepting = { contentHash, staged, skipped: taken.bad, approval, createdBy: actorOf(principal) };
    const body = {
      ...acceptedBulk(bulk, accepting),
      read_as: taken.readAs,
      same_content_as: sameContentAs,
      ...warningsOf(report),
    };
    const answerEnc = await sealing.seal(merchantId, 'first-answer', JSON.stringify(body));
    const accepted = await acceptBulk(pool, {
      ...{ bulkId, contentHash, lines: staged.lines, total: staged.total, currency: staged.currencies[0] ?? '' },
      skipped: taken.bad,
      repeats: {
        allowed: options.allow_duplicates ?? [],
        days: duplicateDays,
        uniqueReferences: options.reference_unique === true,
      },
      approval,
      routes: routes.map(({ credentialId, ...route }) => ({ ...route, credentialId: credentialId ?? '' })),
      actor: actorOf(principal),
      key,
      binding: { fieldHashes, answerEnc },
    }).catch((error: unknown) => {
      // Repeated, it is checked again, and what stands against it is told.
      const isChanged = error instanceof LostLinesError || error instanceof RepeatedPaymentsError;
      throw isChanged ? new ApiProblem('unavailable', { headers: RETRY_AFTER }) : error;
    });
    return accepted === null ? await replay() : { result: 'accepted', bulk: accepted, body };
  }

  async function replay(): Promise<ReceivedBulk> {
    await refuse('repeated');
    const first = await findFirstAnswer(deps, key, fieldHashes);
    if (!first) throw new Error('a bound key has no answer');
    return { result: 'replayed', bulkId: first.objectId, body: first.body };
  }
}

function limitsOf(config: RouteDeps['config']): BulkLimits {
  return {
    requestsPerMinute: config.ORANGE_REQUESTS_PER_MINUTE ?? null,
    linesPerCall: config.ORANGE_BULK === 'native' ? config.BULK_CHUNK_SIZE : null,
  };
}

function withOptions(bulk: NewBulk, options: BulkOptions): NewBulk {
  return {
    ...bulk,
    description: options.description ?? null,
    metadata: options.metadata ?? {},
    notify: options.notify ?? NO_OPTIONS.notify,
    onInvalid: options.on_invalid ?? NO_OPTIONS.onInvalid,
    scheduledAt: options.scheduled_at ?? null,
  };
}

/** What must be the same when a key comes again. */
function comparedFields(options: BulkOptions, contentHash: Buffer): Record<string, unknown> {
  const { declared_total: total, scheduled_at: scheduledAt, dry_run: _, ...rest } = options;
  return {
    content: contentHash.toString('hex'),
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value != null)),
    ...(total == null ? {} : { declared_total: total.toString() }),
    ...(scheduledAt == null ? {} : { scheduled_at: scheduledAt.toISOString() }),
  };
}

async function routesOf(
  methods: readonly string[],
  deps: Pick<RouteDeps, 'findRouteCredential'>,
  tenant: { merchantId: string; environment: Bulk['environment'] },
): Promise<readonly BulkRoute[]> {
  return await Promise.all(
    methods.map(async (method) => ({
      method,
      provider: METHODS[method as MethodId].providers[0],
      credentialId: await deps.findRouteCredential({ ...tenant, operator: method }),
    })),
  );
}

function limitProblem(error: unknown): ApiProblem | null {
  if (!(error instanceof BodyLimitError)) return null;
  const { what, limit } = error;
  return new ApiProblem(what === 'lines' ? 'too_many_lines' : 'body_too_large', {
    detail: `The limit is ${limit} ${what}.`,
    members: { limit },
    headers: { Connection: 'close' },
  });
}
