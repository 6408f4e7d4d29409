import { optionalTsToDate } from '@temporalio/common/lib/time';
import type { temporal } from '@temporalio/proto';

import { ASK_ACTIVITIES, SUBMIT_ACTIVITY } from '../workflows/contract';

/** The activity of each step that the engine runs, and repeats; other steps are the run's own. */
const ACTIVITY_OF_STEP: Readonly<Record<string, string>> = { send: SUBMIT_ACTIVITY, ...ASK_ACTIVITIES };

export interface PendingStep {
  /** Which try is under way or waited for, from 1. */
  attempt: number;
  /** ISO 8601: when that try is dispatched; null where it was. */
  nextAt: string | null;
}

/** What the engine says of a run's present step, or null where the step is none of the engine's. */
export function readPendingStep(
  pending: readonly temporal.api.workflow.v1.IPendingActivityInfo[],
  step: string,
): PendingStep | null {
  // By its name: one that was cancelled may still be there beside it.
  const activity = pending.find(({ activityType }) => activityType?.name === ACTIVITY_OF_STEP[step]);
  if (!activity) return null;
  return {
    attempt: activity.attempt ?? 1,
    nextAt: optionalTsToDate(activity.nextAttemptScheduleTime)?.toISOString() ?? null,
  };
}
