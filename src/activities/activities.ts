import { createBulkActivities } from './bulks';
import type { BulkActivities } from './bulks';
import type { LineDeps } from './lines/line-deps';
import { createAskActivities } from './poll';
import type { AskActivities } from './poll';
import { createPayoutStepActivities } from './payout-steps';
import type { PayoutStepActivities } from './payout-steps';
import { createQuestionActivities } from './questions';
import type { QuestionActivities } from './questions';
import { createSubmit } from './submit';
import type { SubmitInput } from './submit';
import { createWebhookActivities } from './webhooks';
import type { WebhookActivities, WebhookActivityDeps } from './webhooks';
import type { Position } from '../domain/position';

export type ActivityDeps = LineDeps & WebhookActivityDeps;

export interface Activities
  extends PayoutStepActivities, AskActivities, QuestionActivities, WebhookActivities, BulkActivities {
  /** The money call, once. */
  submitPayout(input: SubmitInput): Promise<Position>;
}

export function createActivities(deps: ActivityDeps): Activities {
  return {
    ...createPayoutStepActivities(deps),
    ...createAskActivities(deps),
    ...createQuestionActivities(deps),
    ...createWebhookActivities(deps),
    ...createBulkActivities(deps),
    submitPayout: createSubmit(deps),
  };
}
