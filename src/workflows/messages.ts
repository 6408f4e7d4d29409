import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';

import {
  BULK_CHANGED_SIGNAL,
  DECISION_RECORDED_SIGNAL,
  FOLLOW_DECISION_UPDATE,
  PAYOUT_CHANGED_SIGNAL,
  PAYOUT_PROGRESS_QUERY,
  PROVIDER_REPORTED_SIGNAL,
} from './contract';
import type { PayoutProgress } from './contract';

/** The provider called back; carries the id of the stored callback. A hint: it makes the run ask. */
export const providerReported = defineSignal<[callbackId: string]>(PROVIDER_REPORTED_SIGNAL);

/** Two persons decided; carries the decision's id, never an outcome. */
export const decisionRecorded = defineSignal<[decisionId: string]>(DECISION_RECORDED_SIGNAL);

/** Something of the payout changed in the database; the run reads it again. */
export const payoutChanged = defineSignal(PAYOUT_CHANGED_SIGNAL);

/** Something of the bulk changed in the database; the run reads it again. */
export const bulkChanged = defineSignal(BULK_CHANGED_SIGNAL);

/** Somebody decided about the bulk, which its row says by now; the run reads it again. */
export const followDecision = defineUpdate<undefined, [decisionId: string]>(FOLLOW_DECISION_UPDATE);

export const payoutProgress = defineQuery<PayoutProgress>(PAYOUT_PROGRESS_QUERY);
