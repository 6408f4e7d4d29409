import { randomUUID } from 'node:crypto';
import { BEFORE_PIN, problemOf } from '../cash-in';
import type { CashInRequest } from '../cash-in-request';
import { ownedRetailer, type OwnsCode } from '../owned-retailer';
import type { Parts } from '../parts';
import { detailOf, Problem } from '../problem';
import type { TakenBulk } from './bulk-events';
import { checkPins } from './bulk-pin-check';
import type { BulkStatus } from './bulk-scenario';
import { bulkScenarioNamed, type NamedBulkScenario } from './bulk-scenarios';
import type { Bulk } from './bulk-state';
import { pickBulkScenario, type PickedBulkScenario } from './pick-bulk-scenario';
import { planLines, sharedMetadata, type PaidLine } from './plan-lines';

/** What the provider would answer, before its scenario spoils it. */
export interface TakenBulkCall {
  readonly scenario: NamedBulkScenario;
  readonly bulkId: string;
  readonly status: BulkStatus;
  readonly description: string;
}

export interface BulkRequest {
  /** Index of the bulk call; its lines are the submissions from `first` on. */
  readonly call: number;
  readonly first: number;
  readonly callbackUrl: string;
  readonly requests: readonly CashInRequest[];
}

/**
 * Does what the provider does with one valid bulk call, up to the point where an answer would leave: checks every PIN and takes
 * the lines as the scenario says, journalled before it returns; they are processed later. Throws the Problem of a refusal.
 */
export async function takeBulk(parts: Parts, owns: OwnsCode, bulk: BulkRequest): Promise<TakenBulkCall> {
  const { store, holds, timers } = parts;
  const lines = bulk.requests.map((request) => ({
    request,
    payer: ownedRetailer(store.state(), owns, request.partner.idType, request.partner.id).msisdn,
  }));
  const picked = pickBulkScenario(parts, lines[0]?.request.customer.id ?? '');
  const { scenario, planned } = picked;
  store.record({ e: 'bulk_scenario', call: bulk.call, scenario: scenario.name, planned });

  const refused = typeof scenario.answer === 'string' || scenario.takes !== 'none' ? undefined : scenario.answer;
  if (refused !== undefined && BEFORE_PIN.has(refused.code)) {
    if (scenario.rollsKey === true) await parts.keyRing.roll();
    throw problemOf(refused);
  }
  const wrongPin = await wrongPinOf(parts, lines);
  if (wrongPin !== null) return rejected(parts, bulk, lines, detailOf(wrongPin));

  const reference = lines[0]?.request.reference ?? '';
  await holds.pass('before_bulk', reference);
  if (scenario.takesLate === true) await timers.sleep(store.state().config.timings.slowAnswerMs);
  if (refused !== undefined) throw problemOf(refused);
  const answer =
    scenario.takes === 'none' ? untaken(parts, bulk, lines, scenario) : await taken(parts, bulk, lines, picked);
  await holds.pass('after_bulk', reference);
  return answer;
}

/** The wrong PIN that is to be told by a REJECTED batch; null: every PIN is right. Throws it where it is to be told as an error. */
async function wrongPinOf(parts: Parts, lines: readonly PaidLine[]): Promise<Problem | null> {
  try {
    const pins = lines.map(({ payer, request }) => ({ payer, encryptedPinCode: request.encryptedPinCode }));
    await checkPins(parts, pins);
    return null;
  } catch (error) {
    const isToldByStatus = parts.store.state().config.bulk.wrongPin === 'rejected';
    if (error instanceof Problem && error.code !== '4003' && isToldByStatus) return error;
    throw error;
  }
}

function untaken(
  parts: Parts,
  bulk: BulkRequest,
  lines: readonly PaidLine[],
  scenario: NamedBulkScenario,
): TakenBulkCall {
  if (scenario.status === 'REJECTED') return rejected(parts, bulk, lines, DESCRIPTIONS.REJECTED);
  return { scenario, bulkId: randomUUID(), status: scenario.status, description: '' };
}

/** A batch with an id of its own and no line; its answer is not spoilt, whatever scenario was picked. */
function rejected(
  { store }: Parts,
  { call, callbackUrl }: BulkRequest,
  lines: readonly PaidLine[],
  description: string,
): TakenBulkCall {
  const bulkId = randomUUID();
  const now = Date.now();
  const payer = lines[0]?.payer ?? '';
  const status = 'REJECTED';
  const nothing = { callback: null, metadata: {}, lines: [], rows: null, endsAt: now, takenAt: now };
  store.record({ e: 'bulk_taken', bulk: { bulkId, call, payer, status, callbackUrl, ...nothing } });
  store.record({ e: 'bulk_ended', bulkId, at: now });
  return { scenario: bulkScenarioNamed('bulk_rejected'), bulkId, status, description };
}

async function taken(
  parts: Parts,
  { call, first, callbackUrl }: BulkRequest,
  lines: readonly PaidLine[],
  { scenario, callbackFault }: PickedBulkScenario,
): Promise<TakenBulkCall> {
  const { store, bulkCallbacks, bulkRunner } = parts;
  const { config } = store.state();
  const bulkId = randomUUID();
  const { status } = scenario;
  const now = Date.now();
  const count = { all: lines.length, first_half: Math.ceil(lines.length / 2), none: 0, dropped: 0 }[scenario.takes];
  const told = { status: scenario.takes === 'dropped' ? 'REJECTED' : 'SUCCESS', fault: callbackFault };
  const bulk: TakenBulk = {
    bulkId,
    call,
    payer: lines[0]?.payer ?? '',
    status,
    callbackUrl,
    callback: status === 'REJECTED' || !config.bulk.callbacks ? null : told,
    metadata: sharedMetadata(lines),
    lines: planLines(parts, scenario, first, lines.slice(0, count), now),
    rows: scenario.rows ?? null,
    endsAt: now + config.bulk.processingMs,
    takenAt: now,
  };
  store.record({ e: 'bulk_taken', bulk });
  const written = writtenBulk(parts, bulkId);
  await bulkCallbacks.announceEarly(written);
  if (status === 'TERMINATED') bulkRunner.runAll(written);
  else bulkRunner.run(written);
  return { scenario, bulkId, status, description: DESCRIPTIONS[status] };
}

const DESCRIPTIONS = {
  PENDING: 'Bulk received',
  REJECTED: 'Bulk rejected',
  TERMINATED: 'Bulk processed',
} as const satisfies Record<BulkStatus, string>;

function writtenBulk({ store }: Parts, bulkId: string): Bulk {
  const bulk = store.state().bulks.get(bulkId);
  if (bulk === undefined) throw new Error('a recorded batch was not applied');
  return bulk;
}
