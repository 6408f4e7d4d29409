import { CancellationScope, continueAsNew, isCancellation, workflowInfo } from '@temporalio/workflow';

import type { Position } from '../domain/position';
import { askOn, authenticate, encryptPin, pollAtOnce, steps, submitOn } from './activity-proxies';
import type { PayoutResult } from './contract';
import { createPayoutRun } from './payout-run';
import type { PayoutRun } from './payout-run';

/** How long a run that waits for people or for an outcome sleeps before it reads the payout again by itself. */
const READ_AGAIN_MS = 6 * 3_600_000;

/** Rounds after which a run continues as new, long before its history grows heavy. */
const MAX_ROUNDS = 200;

/**
 * One payout: (wait for its time) → authenticate → encrypt PIN → submit → poll status → notify webhook.
 * It begins by reading where the payout stands and follows the resume table, so that a run started again after a
 * Terminate, a Reset or a restore goes on where the payout is. Cancelling it cancels the payout only while nothing left.
 */
export async function payoutWorkflow(payoutId: string): Promise<PayoutResult> {
  const run = createPayoutRun(payoutId);
  return await CancellationScope.nonCancellable(() => carry(payoutId, run));
}

async function carry(payoutId: string, run: PayoutRun): Promise<PayoutResult> {
  let position = await steps.takeUp({ payoutId, chainId: workflowInfo().firstExecutionRunId });
  for (let round = 0; ; round += 1) {
    if (round >= MAX_ROUNDS || workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof payoutWorkflow>(payoutId);
    }
    run.show(position);
    switch (position.step) {
      case 'wait_for_time':
        await run.wait(position.dueInMs);
        position = await steps.releaseScheduled(payoutId);
        break;
      case 'wait_for_turn':
      case 'wait_for_outcome':
        await run.wait(position.dueInMs);
        position = await steps.readPayout(payoutId);
        break;
      case 'send':
        position = await send(position);
        break;
      case 'recover':
        position = await steps.recoverAttempt({ payoutId, attempt: position.attempt });
        break;
      case 'poll':
      case 'look_up':
        position = await ask(position, run);
        break;
      case 'await_decision':
        await run.notify(position);
        await run.wait(READ_AGAIN_MS);
        position = await steps.readPayout(payoutId);
        break;
      case 'leave_to_bulk':
      case 'close':
        await run.notify(position);
        return { payoutId, state: position.state };
      default:
        return position.step satisfies never;
    }
  }
}

/** Sends the attempt once. A payout that could not be sent is back in the queue, with the reason and its next turn. */
async function send({ payoutId, attempt, provider }: Position): Promise<Position> {
  const token = await authenticate({ payoutId, attempt });
  if (token === null) return await steps.readPayout(payoutId);
  const pin = await encryptPin({ payoutId, attempt });
  if (pin === null) return await steps.readPayout(payoutId);
  try {
    return await submitOn(provider)({ payoutId, attempt, tokenVersion: token.tokenVersion });
  } catch {
    // The activity ended without an answer for us: what stands in the database says what can be known of it.
    return await steps.recoverAttempt({ payoutId, attempt });
  }
}

/** Asks the provider until the answer is final, somebody reports news, or the settlement window ends. */
async function ask(position: Position, run: PayoutRun): Promise<Position> {
  const { payoutId, provider, settleInMs, step } = position;
  const deadlineMs = settleInMs ?? READ_AGAIN_MS;
  if (deadlineMs <= 0) return await steps.endSettlementWindow(payoutId);
  // Its webhook comes with the answer, if there is one within seconds.
  if (position.askAtOnceMs) return await pollAtOnce({ payoutId, forMs: Math.min(position.askAtOnceMs, deadlineMs) });
  const notified = run.notify(position);
  const scope = new CancellationScope();
  const { pollStatus, lookUpPayout } = askOn(provider, deadlineMs);
  const asked = scope.run(() => (step === 'poll' ? pollStatus(payoutId) : lookUpPayout(payoutId)));
  try {
    const answer = await run.orNews(asked);
    if (answer !== null) return answer;
    scope.cancel();
    return await asked;
  } catch (error) {
    const next = await steps.readPayout(payoutId);
    // Its time ran out between two tries: the rest of the window is waited for, and news still counts.
    if (!isCancellation(error) && next.step === step) await run.wait(Math.min(next.settleInMs ?? 0, 60_000));
    return next.step === step && next.settleInMs === 0 ? await steps.endSettlementWindow(payoutId) : next;
  } finally {
    await notified;
  }
}
