import { createBulkActivities } from './bulks';
import type { BulkActivities } from './bulks';
import type { LineDeps } from './lines/line-deps';
import { createAskActivities } from './poll';
import type { AskActivities } from './poll';
import { createLateCheckActivities } from './late-checks';
import type { LateCheckActivities } from './late-checks';
import { createPayoutStepActivities } from './payout-steps';
import type { PayoutStepActivities } from './payout-steps';
import { createQuestionActivities } from './questions';
import type { QuestionActivities } from './questions';
import { createRefusalAlarm } from './refusal-alarm';
import { createSubmit } from './submit';
import type { SubmitInput } from './submit';
import { createWebhookActivities } from './webhooks';
import type { WebhookActivities, WebhookActivityDeps } from './webhooks';
import type { Position } from '../domain/position';

export type ActivityDeps = LineDeps & WebhookActivityDeps;

export interface Activities
  extends
    PayoutStepActivities,
    AskActivities,
    QuestionActivities,
    LateCheckActivities,
    WebhookActivities,
    BulkActivities {
  /** The money call, once. */
  submitPayout(input: SubmitInput): Promise<Position>;
}

export function createActivities(deps: ActivityDeps): Activities {
  const { toPeople, logged } = createRefusalAlarm(deps);
  const steps = createPayoutStepActivities(deps);
  const asks = createAskActivities(deps);
  const bulks = createBulkActivities(deps);
  return {
    ...steps,
    recoverAttempt: toPeople((input) => steps.recoverAttempt(input)),
    releaseScheduled: toPeople((input) => steps.releaseScheduled(input)),
    endSettlementWindow: toPeople((input) => steps.endSettlementWindow(input)),
    cancelFromRun: toPeople((input) => steps.cancelFromRun(input)),
    pollStatus: toPeople((input) => asks.pollStatus(input)),
    pollAtOnce: toPeople((input) => asks.pollAtOnce(input)),
    lookUpPayout: toPeople((input) => asks.lookUpPayout(input)),
    ...createQuestionActivities(deps),
    ...createLateCheckActivities(deps),
    ...createWebhookActivities(deps),
    ...bulks,
    startBulk: logged((input) => bulks.startBulk(input)),
    carryLines: logged((input) => bulks.carryLines(input)),
    followBulk: logged((input) => bulks.followBulk(input)),
    retryFailedLines: logged((input) => bulks.retryFailedLines(input)),
    // Its run recovers what it leaves, which puts the payout before people where it is refused again.
    submitPayout: logged(createSubmit(deps)),
  };
}
