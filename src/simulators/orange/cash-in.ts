import type { CashInRequest } from './cash-in-request';
import { checkMoney } from './money-check';
import { newRow, type RowSource } from './new-row';
import type { OwnsCode } from './owned-retailer';
import { ownedRetailer } from './owned-retailer';
import type { Parts } from './parts';
import { pickScenario } from './pick-scenario';
import { checkPin } from './pin-check';
import { Problem } from './problem';
import { scenarioNamed, type NamedScenario, type ProblemAnswer, type RowPlan } from './scenarios';
import type { Row } from './state';

/** Refusals that come before the PIN is looked at. */
export const BEFORE_PIN: ReadonlySet<string | undefined> = new Set(['9', '10', '4003']);

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
  const earlier = store.state().requestsByRecipient.get(request.customer.id) ?? 0;
  const picked = pickScenario(parts, request.customer.id, earlier);
  const scenario = picked.untilPinChanged === true && payer.pinChanged ? scenarioNamed('default') : picked;
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
  checkMoney(store.state(), payer, request, scenario.rows);
  const source = { submission, bulkId: null, payer: payer.msisdn, request, scenario };
  const rows = scenario.rows.map((plan) => writeRow(parts, source, plan));
  await Promise.all(rows.map((row) => parts.callbacks.announceEarly(row)));
  for (const row of rows) parts.settlement.follow(row);

  await holds.pass('after_move', request.reference ?? '');
  return { scenario, rows };
}

/** Moves the money of a redirected cash-in once more, as it would be if a client followed the redirect. */
export function followRedirect(parts: Parts, submission: number, request: CashInRequest, payer: string): Row {
  const scenario = scenarioNamed('followed_redirect');
  const row = writeRow(parts, { submission, bulkId: null, payer, request, scenario }, { first: 'SUCCESS' });
  parts.settlement.follow(row);
  return row;
}

export function problemOf(answer: ProblemAnswer): Problem {
  return new Problem(answer.http, answer.code ?? null, answer.detail === undefined ? {} : { detail: answer.detail });
}

function writeRow(parts: Parts, source: RowSource, plan: RowPlan): Row {
  const { store } = parts;
  const row = newRow(store.state(), source, plan);
  store.record({ e: 'row', row });
  const written = store.state().rowById.get(row.transactionId);
  if (written === undefined) throw new Error('a recorded row was not applied');
  return written;
}
