import { parseReference } from '../domain/reference';
import type { ProviderTruth } from './provider-truth';

/** A payout that the API answered with 202, by the driver's own list. */
export interface AcceptedPayout {
  id: string;
  /** Nine digits. */
  recipient: string;
  /** Whole XOF. */
  amount: number;
}

/** What Cauri says of a payout in the end; null where it does not know it. */
export interface ToldPayout {
  state: string;
  attempt: number;
  /** Milliseconds since the epoch when the newest intent was written; null where none was, or the payout is final. */
  sentAt: number | null;
  /** Where it went, why and when, in words; absent where it is final. */
  history?: string;
}

export interface HeardWebhook {
  type: string;
  payoutId: string;
  verified: boolean;
}

export interface Kill {
  process: string;
  /** Milliseconds since the epoch. */
  at: number;
  /** Payouts under way at that moment. */
  open: number;
}

/** What Cauri says of a bulk in the end; state null where it does not know it. */
export interface ToldBulk {
  id: string;
  state: string | null;
  /** Its payouts. */
  lines: readonly string[];
}

/** Cauri's own books, read from its database. */
export interface Books {
  /** Sum of all ledger accounts. */
  sum: number;
  /** Open holds whose payout is final, and parts of a bulk's hold that are not closed although their line is. */
  strayHolds: number;
  /** Bulks whose roll-up is not what a full count of their lines gives. */
  wrongRollUps: readonly string[];
}

export interface Evidence {
  accepted: readonly AcceptedPayout[];
  told: ReadonlyMap<string, ToldPayout | null>;
  bulks: readonly ToldBulk[];
  truth: ProviderTruth;
  webhooks: readonly HeardWebhook[];
  books: Books;
  kills: readonly Kill[];
  /** Milliseconds after an intent in which its call may be under way and its answer not written down. */
  callMs: number;
}

export interface Judgement {
  accepted: number;
  creditedOnce: number;
  /** Credited twice by the provider itself, for one request of ours. */
  doubledByProvider: number;
  final: number;
  /** Open, and the provider's API never tells what happened. */
  undecidable: number;
  /** Open, since the only process that could have known was killed in the middle of its call. */
  interrupted: number;
  /** By name of what must never happen: the payouts to which it did. */
  violations: Readonly<Record<Violation, readonly string[]>>;
}

export const VIOLATIONS = [
  'credited twice',
  'lost',
  'wrong amount or recipient',
  'credits of nobody',
  'said failed but paid',
  'said paid but not paid',
  'not final though the provider tells',
  'final though nobody can know',
  'final without a verified webhook',
  'bulk not at its end though its lines are',
  'bulk at its end with open lines',
  'roll-up is not what the lines say',
  'ledger sum is not zero',
  'holds left without an open payout',
  'provider books do not balance',
] as const;

export type Violation = (typeof VIOLATIONS)[number];

export const FINAL: readonly string[] = ['succeeded', 'failed', 'cancelled', 'returned'];

/** States in which a bulk is at its end. */
export const AT_BULK_END: readonly string[] = ['completed', 'cancelled', 'rejected'];

/** Milliseconds more where the database was killed in a call too: the worker holds the answer until it can be written. */
const WITHOUT_DATABASE_MS = 15_000;

/** Holds what was promised and told against the money that truly moved. */
export function judge(evidence: Evidence): Judgement {
  const { accepted, told, truth, webhooks, bulks, books } = evidence;
  const violations = Object.fromEntries(VIOLATIONS.map((name) => [name, [] as string[]])) as Record<
    Violation,
    string[]
  >;
  const counts = { creditedOnce: 0, doubledByProvider: 0, final: 0, undecidable: 0, interrupted: 0 };
  const undecidable = new Set(truth.undecidable.map(({ reference }) => reference));
  const byId = new Map(accepted.map((payout) => [payout.id, payout]));
  const creditsTo = groupBy(truth.credits, ({ customer }) => customer);
  const callsOf = groupBy(truth.references, ({ reference }) => parseReference(reference)?.payoutId);
  const heard = new Set(webhooks.flatMap(({ type, payoutId, verified }) => (verified ? [`${type} ${payoutId}`] : [])));

  for (const { transactionId, reference, customer, amount } of truth.credits) {
    const payout = byId.get(parseReference(reference ?? '')?.payoutId ?? '');
    if (payout === undefined) violations['credits of nobody'].push(transactionId);
    else if (payout.recipient !== customer || payout.amount !== amount) {
      violations['wrong amount or recipient'].push(transactionId);
    }
  }
  for (const payout of accepted) {
    const { id } = payout;
    const credits = creditsTo.get(payout.recipient) ?? [];
    const references = callsOf.get(id) ?? [];
    const isDoubled = credits.length > 1 && isProvidersDouble(credits, references);
    if (credits.length === 1) counts.creditedOnce += 1;
    if (isDoubled) counts.doubledByProvider += 1;
    else if (credits.length > 1) violations['credited twice'].push(id);

    const said = told.get(id) ?? null;
    if (said === null) {
      violations.lost.push(id);
      continue;
    }
    const unsure = references.filter(({ reference }) => undecidable.has(reference));
    if (!FINAL.includes(said.state)) {
      if (unsure.length > 0) counts.undecidable += 1;
      else if (wasInterrupted(said, references, evidence)) counts.interrupted += 1;
      else violations['not final though the provider tells'].push(id);
      continue;
    }
    counts.final += 1;
    if (said.state === 'succeeded' && credits.length === 0) violations['said paid but not paid'].push(id);
    if (said.state !== 'succeeded' && credits.length > 0) violations['said failed but paid'].push(id);
    // Two honest rows of one request contradict each other, but not that it was paid.
    const isPaidForSure =
      said.state === 'succeeded' &&
      (isDoubled || references.some(({ revealed, credited }) => revealed === 'search' && credited > 0));
    if (unsure.length > 0 && !isPaidForSure) violations['final though nobody can know'].push(id);
    if (!heard.has(`payout.${said.state} ${id}`)) violations['final without a verified webhook'].push(id);
  }
  for (const { id, state, lines } of bulks) {
    const open = lines.filter((line) => {
      const said = told.get(line)?.state;
      return said === undefined || (!FINAL.includes(said) && said !== 'in_review');
    });
    if (state === null) violations.lost.push(id);
    else if (!AT_BULK_END.includes(state)) {
      if (open.length === 0) violations['bulk not at its end though its lines are'].push(id);
    } else {
      if (open.length > 0) violations['bulk at its end with open lines'].push(id);
      if (!heard.has(`bulk.${state} ${id}`)) violations['final without a verified webhook'].push(id);
    }
  }
  violations['roll-up is not what the lines say'].push(...books.wrongRollUps);
  if (books.sum !== 0) violations['ledger sum is not zero'].push(String(books.sum));
  if (books.strayHolds !== 0) violations['holds left without an open payout'].push(String(books.strayHolds));
  if (!truth.sumsToZero) violations['provider books do not balance'].push('the simulator');
  return { accepted: accepted.length, ...counts, violations };
}

type Reference = ProviderTruth['references'][number];

/** The provider gave it twice for one request: neither sent again under its reference, nor led on by a redirect. */
function isProvidersDouble(
  credits: readonly ProviderTruth['credits'][number][],
  references: readonly Reference[],
): boolean {
  const asked = references.find(({ reference }) => reference === credits[0]?.reference);
  return (
    asked?.requests === 1 &&
    credits.every(({ reference, scenario }) => reference === asked.reference && scenario === 'double_credit')
  );
}

/**
 * The worker was killed in the middle of this payout's call, and either no request of that attempt ever arrived, or the
 * provider told its refusal once, to the process that was killed. Absence is no evidence with this provider, so that
 * nobody can know. Money that moved is always told by a row, and is no excuse.
 */
function wasInterrupted(
  { attempt, sentAt, state }: ToldPayout,
  references: readonly Reference[],
  { kills, callMs }: Pick<Evidence, 'kills' | 'callMs'>,
): boolean {
  if (sentAt === null || (state !== 'unknown' && state !== 'in_review')) return false;
  const isHit = (name: string, withinMs: number): boolean =>
    kills.some(({ process, at }) => process === name && at >= sentAt && at <= sentAt + withinMs);
  const isKilled = isHit('worker', isHit('postgres', callMs) ? callMs + WITHOUT_DATABASE_MS : callMs);
  const calls = references.filter(({ reference }) => parseReference(reference)?.attempt === attempt);
  return isKilled && calls.every(({ revealed, credited }) => revealed === 'answer' && credited === 0);
}

function groupBy<Item, Name>(items: readonly Item[], nameOf: (item: Item) => Name): ReadonlyMap<Name, readonly Item[]> {
  const groups = new Map<Name, Item[]>();
  for (const item of items) {
    const name = nameOf(item);
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return groups;
}
