import { isProvenUnpaid } from '../../src/domain/outcome';
import { canMove, isFinalState } from '../../src/domain/payout-state';
import { submissionReference } from '../../src/domain/reference';
import { webhookEventOf } from '../../src/domain/webhook-event';
import type { PayoutWorld } from '../helpers/payout-world';
import { readHistory } from './read-history';
import type { History } from './read-history';

/**
 * What is not allowed in a payout's history, in words; empty where it is one that the rules of money allow. For worlds
 * where no automatic resend is configured and no final state was turned by people.
 * `redelivered`: how many redeliveries were asked for and granted.
 */
export function findViolations(history: History, { redelivered = 0 }: { redelivered?: number } = {}): string[] {
  return [
    ...inStory(history),
    ...inSubmissions(history),
    ...inOutcomes(history),
    ...inHolds(history),
    ...inLedger(history),
    ...inOutbox(history),
    ...inDeliveries(history, redelivered),
    ...atProvider(history),
  ];
}

/** Reads a payout's history and fails, naming everything that is not allowed in it. */
export async function expectAllowedHistory(
  world: PayoutWorld,
  payoutId: string,
  options: { redelivered?: number } = {},
): Promise<History> {
  const history = await readHistory(world, payoutId);
  expect({ payoutId, violations: findViolations(history, options) }).toEqual({ payoutId, violations: [] });
  return history;
}

/** Rule 16: every change appends; each step is in the table of transitions, and versions have no gap. */
function inStory({ payout, events }: History): string[] {
  const found: string[] = [];
  events.forEach(({ sequence, from_state: from, to_state: to }, index) => {
    const before = events[index - 1]?.to_state ?? null;
    if (sequence !== index + 1) found.push(`event ${sequence} stands where ${index + 1} should`);
    if (from !== before) found.push(`event ${sequence} leaves ${from}, the one before it led to ${before}`);
    if (from !== null && from !== to && !canMove(from, to)) found.push(`${from} may not go to ${to}`);
  });
  const last = events.at(-1);
  if (last?.to_state !== payout.state) found.push(`it is ${payout.state}, its last event says ${last?.to_state}`);
  if (last?.sequence !== payout.version) found.push(`version ${payout.version} has ${events.length} events`);
  return found;
}

/** Rule 4: one row per attempt and call, written with a step to `processing`, under the reference that follows from it. */
function inSubmissions({ payout, submissions, events }: History): string[] {
  const found: string[] = [];
  const calls = submissions.filter(({ kind }) => kind === 'call');
  for (const { id, attempt, call } of calls) {
    if (id !== submissionReference({ payoutId: payout.id, attempt, call })) found.push(`${id} is a wrong reference`);
    const intents = events.filter((event) => event.to_state === 'processing' && event.submission_id === id);
    if (intents.length !== (call === 1 ? 1 : 0)) found.push(`${id} has ${intents.length} steps to processing`);
  }
  for (let attempt = 1; attempt <= Math.max(payout.attempt, ...submissions.map((row) => row.attempt)); attempt += 1) {
    const numbers = submissions.filter((row) => row.attempt === attempt).map(({ call }) => call);
    if (numbers.some((call, index) => call !== index + 1))
      found.push(`attempt ${attempt} has the calls ${numbers.join()}`);
    if (attempt > payout.attempt) found.push(`attempt ${attempt} is beyond the payout's ${payout.attempt}`);
  }
  const unproven = calls.filter(({ outcome }) => !isProvenUnpaid(outcome));
  if (unproven.length > 1) found.push(`${unproven.length} calls may have moved money`);
  if (payout.state === 'succeeded' && !calls.some(({ outcome }) => outcome === 'settled')) {
    found.push('it succeeded without a settled call');
  }
  if ((payout.state === 'failed' || payout.state === 'cancelled') && unproven.length > 0) {
    found.push(`it is ${payout.state} beside a call that may have moved money`);
  }
  return found;
}

/** What is known of a submission is never forgotten: its outcomes form one chain that ends where it stands. */
function inOutcomes({ submissions, outcomes }: History): string[] {
  return submissions
    .filter(({ kind }) => kind === 'call')
    .flatMap(({ id, outcome }) => {
      const chain = outcomes.filter(({ submission_id }) => submission_id === id);
      const ends = [...chain.map(({ from_outcome: from }) => from), outcome];
      const begins = [null, ...chain.map(({ to_outcome: to }) => to)];
      return ends.join() === begins.join() ? [] : [`the outcomes of ${id} are no chain: ${JSON.stringify(chain)}`];
    });
}

/** Rule 17: each hold is opened once and closed once, and only the last one may be open. */
function inHolds({ payout, holds }: History): string[] {
  const found: string[] = [];
  const numbers = holds.map(({ hold_no }) => hold_no).join();
  const expected = Array.from({ length: payout.hold_no }, (_, index) => index + 1).join();
  if (numbers !== expected) found.push(`it has the holds ${numbers}, not ${expected}`);
  for (const { hold_no, amount, closed_by } of holds) {
    if (amount !== payout.amount) found.push(`hold ${hold_no} is of ${amount}`);
    const end = hold_no < payout.hold_no ? 'release' : endOfLastHold(payout.state);
    if (closed_by !== end) found.push(`hold ${hold_no} of a payout that is ${payout.state} has the end ${closed_by}`);
  }
  return found;
}

function endOfLastHold(state: History['payout']['state']): 'capture' | 'release' | null {
  if (!isFinalState(state)) return null;
  return state === 'succeeded' || state === 'returned' ? 'capture' : 'release';
}

/** Double entry: one entry that opens each hold, one that closes it, and nothing beside them. */
function inLedger({ payout, holds, entries }: History): string[] {
  const expected = holds.flatMap(({ hold_no, closed_by }) => [
    `hold ${hold_no}`,
    ...(closed_by === null ? [] : [`${closed_by} ${hold_no}`]),
  ]);
  if (payout.state === 'returned') expected.push(`return ${payout.hold_no}`);
  const booked = entries.map(({ kind, hold_no }) => `${kind} ${hold_no}`);
  const wrong = entries.filter(({ amount }) => amount !== payout.amount);
  return [
    ...(booked.sort().join() === expected.sort().join() ? [] : [`booked are ${booked.join()}, not ${expected.join()}`]),
    ...wrong.map(({ id, amount }) => `entry ${id} is of ${amount}`),
  ];
}

/** One event for each state that an endpoint wants to hear of, to each endpoint, and no other. */
function inOutbox({ payout, events, endpoints, outbox }: History): string[] {
  const wanted = events.filter(
    ({ from_state: from, to_state: to }) => from !== null && from !== to && webhookEventOf(to),
  );
  const expected = wanted.flatMap(({ sequence, to_state: to }) =>
    endpoints.map((endpoint) => `evt_${payout.id.slice('po_'.length)}_${sequence} ${webhookEventOf(to)} ${endpoint}`),
  );
  const told = outbox.map(({ event_id, type, endpoint_id }) => `${event_id} ${type} ${endpoint_id}`);
  return told.sort().join() === expected.sort().join() ? [] : [`to be told are ${told.join()}, not ${expected.join()}`];
}

/** Rule 22: one deliverer at a time, so that no two attempts have one claim, and no event succeeds twice unasked. */
function inDeliveries({ outbox, deliveries }: History, redelivered: number): string[] {
  return outbox.flatMap(({ event_id, endpoint_id, claim_no, delivered }) => {
    const attempts = deliveries.filter((row) => row.event_id === event_id && row.endpoint_id === endpoint_id);
    const claims = attempts.map((attempt) => attempt.claim_no);
    const successes = attempts.filter(({ result }) => result === 'delivered').length;
    return [
      ...(new Set(claims).size === claims.length ? [] : [`${event_id} was tried twice under one claim`]),
      ...(claims.every((claim) => claim >= 1 && claim <= claim_no) ? [] : [`${event_id} was tried without a claim`]),
      ...(delivered && successes === 0 ? [`${event_id} counts as delivered and never was`] : []),
      ...(successes > 1 + redelivered ? [`${event_id} was delivered ${successes} times`] : []),
    ];
  });
}

/** The simulator's own books: every request once and written down before, money at most once, and where we say so. */
function atProvider({ payout, submissions, openReviews, provider }: History): string[] {
  const found: string[] = [];
  const written = new Set(submissions.filter(({ kind }) => kind === 'call').map(({ id }) => id));
  for (const [reference, count] of Object.entries(provider.requests)) {
    if (count > 1) found.push(`${reference} was sent ${count} times`);
    if (!written.has(reference)) found.push(`${reference} was sent and not written`);
  }
  for (const { reference, customer, amount } of provider.credits) {
    if (!written.has(reference ?? '') || customer !== payout.customer || BigInt(amount) !== payout.amount) {
      found.push(`a wrong credit: ${String(reference)}, ${customer}, ${amount}`);
    }
  }
  const { length } = provider.credits;
  if (length > 1) found.push(`credited ${length} times`);
  if (payout.state === 'succeeded' && length === 0) found.push('it succeeded and was not paid');
  const isAsked = openReviews.includes('late_credit');
  if ((payout.state === 'failed' || payout.state === 'cancelled') && length > 0 && !isAsked) {
    found.push(`it is ${payout.state} and was paid, and nobody is asked about it`);
  }
  return found;
}
