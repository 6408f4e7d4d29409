import { Problem } from './problem';
import type { RowPlan } from './scenarios';
import { accountOf, type Account, type SimulatorState } from './state';
import { isFinal } from './transaction-status';

/** Throws the refusal (2042, 2043, 2021, 2025) of rows that wallets or float do not allow. */
export function checkMoney(
  state: SimulatorState,
  payer: Account,
  request: { readonly customer: { readonly id: string }; readonly amount: number },
  plans: readonly RowPlan[],
): void {
  const payee = accountOf(state, request.customer.id);
  if (payer.suspended) throw new Problem(400, '2042');
  if (payee.suspended) throw new Problem(400, '2043');
  const moving = plans.filter((plan) => !isFinal(plan.first) || plan.first === 'SUCCESS').length;
  if (payer.balance < request.amount * moving) throw new Problem(400, '2021');
  if (payee.ceiling !== null && payee.balance + request.amount * moving > payee.ceiling) throw new Problem(400, '2025');
}
