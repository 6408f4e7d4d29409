import { randomUUID } from 'node:crypto';
import type { CashInRequest } from './cash-in-request';
import type { NewRow } from './events';
import type { NamedScenario, RowPlan } from './scenarios';
import type { SimulatorState } from './state';
import { transactionId } from './transaction-id';

export interface RowSource {
  readonly submission: number;
  readonly bulkId: string | null;
  /** Msisdn of the paying account. */
  readonly payer: string;
  readonly request: Omit<CashInRequest, 'encryptedPinCode'>;
  readonly scenario: NamedScenario;
}

/** The row of a plan, to be journalled. `ahead`: how many rows the same event has before it. */
export function newRow(state: SimulatorState, source: RowSource, plan: RowPlan, ahead = 0): NewRow {
  const { submission, bulkId, payer, request, scenario } = source;
  const { settlementDelayMs, timings } = state.config;
  const now = Date.now();
  const atOnce = scenario.atOnceWithoutDelay === true && settlementDelayMs === 0;
  const last = atOnce ? null : (plan.last ?? null);
  const status = atOnce && plan.last !== undefined ? 'SUCCESS' : plan.first;
  const delay = settlementDelayMs === 0 ? timings.pendingMs : settlementDelayMs;
  return {
    transactionId: transactionId('CI', state.rows.length + ahead + 1, new Date(now)),
    submission,
    reference: request.reference,
    bulkId,
    partner: request.partner,
    customer: request.customer,
    payer,
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
}
