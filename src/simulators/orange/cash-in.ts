import { randomUUID } from 'node:crypto';
import type { CashInRequest } from './cash-in-request';
import type { NewRow } from './events';
import type { OwnsCode } from './owned-retailer';
import { ownedRetailer } from './owned-retailer';
import type { Parts } from './parts';
import { checkPin } from './pin-check';
import { Problem } from './problem';
import { scenarioNamed, scenarioOfRecipient, type NamedScenario, type ProblemAnswer, type RowPlan } from './scenarios';
import { pickByRate, seededDraw } from './seeded-draw';
import { accountOf, type Account, type Row } from './state';
import { transactionId } from './transaction-id';
import { isFinal } from './transaction-status';

/** Refusals that come before the PIN is looked at. */
const BEFORE_PIN: ReadonlySet<string | undefined> = new Set(['9', '10', '4003']);

export interface TakenCashIn {
  readonly scenario: NamedScenario;
  readonly rows: readonly Row[];
}

/**
 * Does what the provider does with one valid cash-in request, up to the point where an answer would leave: checks the PIN,
 * moves money and writes rows as the scenario says, journalled before it returns. Throws the Problem of a refusal.
 */
export async function takeCashIn(
  parts: Parts,
  owns: OwnsCode,
  submission: number,
  request: CashInRequest,
): Promise<TakenCashIn> {
  const { store, holds, timers } = parts;
  const payer = ownedRetailer(store.state(), owns, request.partner.idType, request.partner.id);
  const scenario = pickScenario(parts, request.customer.id);
  store.record({ e: 'scenario', submission, scenario: scenario.name, revealed: scenario.revealed });

  const refused = typeof scenario.answer === 'string' || scenario.rows.length > 0 ? undefined : scenario.answer;
  if (refused !== undefined && BEFORE_PIN.has(refused.code)) {
    if (scenario.rollsKey === true) await parts.keyRing.roll();
    throw problemOf(refused);
  }
  checkPin(parts, payer.msisdn, request.encryptedPinCode);

  await holds.pass('before_move', request.reference ?? '');
  if (scenario.takesLate === true) await timers.sleep(store.state().config.timings.slowAnswerMs);
  if (refused !== undefined) throw problemOf(refused);
  checkMoney(parts, payer, request, scenario);
  const rows = scenario.rows.map((plan) => writeRow(parts, payer, submission, request, scenario, plan));
  await Promise.all(rows.map((row) => parts.callbacks.announceEarly(row)));
  for (const row of rows) parts.settlement.follow(row);

  await holds.pass('after_move', request.reference ?? '');
  return { scenario, rows };
}

/** Moves the money of a redirected cash-in once more, as it would be if a client followed the redirect. */
export function followRedirect(parts: Parts, submission: number, request: CashInRequest, payerMsisdn: string): Row {
  const payer = accountOf(parts.store.state(), payerMsisdn);
  const scenario = scenarioNamed('followed_redirect');
  const row = writeRow(parts, payer, submission, request, scenario, { first: 'SUCCESS' });
  parts.settlement.follow(row);
  return row;
}

export function problemOf(answer: ProblemAnswer): Problem {
  return new Problem(answer.http, answer.code ?? null, answer.detail === undefined ? {} : { detail: answer.detail });
}

function pickScenario({ store, options }: Parts, recipient: string): NamedScenario {
  const state = store.state();
  const earlier = state.requestsByRecipient.get(recipient) ?? 0;
  const magic = scenarioOfRecipient(recipient);
  if (magic !== undefined) return magic.once === true && earlier > 0 ? scenarioNamed('default') : magic;
  const drawn = pickByRate(state.config.faults, seededDraw(options.seed, 'cash-in', recipient, earlier));
  return scenarioNamed(drawn ?? 'default');
}

function checkMoney({ store }: Parts, payer: Account, request: CashInRequest, scenario: NamedScenario): void {
  const payee = accountOf(store.state(), request.customer.id);
  if (payer.suspended) throw new Problem(400, '2042');
  if (payee.suspended) throw new Problem(400, '2043');
  const moving = scenario.rows.filter((plan) => !isFinal(plan.first) || plan.first === 'SUCCESS').length;
  if (payer.balance < request.amount * moving) throw new Problem(400, '2021');
  if (payee.ceiling !== null && payee.balance + request.amount * moving > payee.ceiling) throw new Problem(400, '2025');
}

function writeRow(
  { store }: Parts,
  payer: Account,
  submission: number,
  request: CashInRequest,
  scenario: NamedScenario,
  plan: RowPlan,
): Row {
  const state = store.state();
  const { settlementDelayMs, timings } = state.config;
  const now = Date.now();
  const atOnce = scenario.atOnceWithoutDelay === true && settlementDelayMs === 0;
  const last = atOnce ? null : (plan.last ?? null);
  const status = atOnce ? 'SUCCESS' : plan.first;
  const delay = settlementDelayMs === 0 ? timings.pendingMs : settlementDelayMs;
  const row: NewRow = {
    transactionId: transactionId('CI', state.rows.length + 1, new Date(now)),
    submission,
    reference: request.reference,
    bulkId: null,
    partner: request.partner,
    customer: request.customer,
    payer: payer.msisdn,
    amount: request.amount,
    status,
    last,
    settleAt: last === null ? null : now + delay,
    moved: status === 'SUCCESS' || plan.movesUnseen === true,
    reason: plan.reason ?? null,
    scenario: scenario.name,
    search: scenario.search ?? null,
    visibleAt: scenario.search === 'late' ? now + timings.lateRowMs : now,
    receiveNotification: request.receiveNotification,
    metadata: { ...request.metadata, idempotencyKey: randomUUID() },
    requestDate: request.requestDate,
    createdAt: now,
  };
  store.record({ e: 'row', row });
  const written = store.state().rowById.get(row.transactionId);
  if (written === undefined) throw new Error('a recorded row was not applied');
  return written;
}
