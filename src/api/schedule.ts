import { ApiProblem } from './problem';
import type { InvalidField } from './problem';
import { moment } from './schemas/fields';

const MAX_DAYS = 366;

export const FUTURE_ADVICE = `give a time in the future, within ${MAX_DAYS} days, or leave it out`;

/** Whether a payout or a bulk may be scheduled for this time. */
export function isSchedulable(scheduledAt: Date): boolean {
  const inMs = scheduledAt.getTime() - Date.now();
  return inMs > 0 && inMs <= MAX_DAYS * 24 * 3_600_000;
}

/** `scheduled_at` of a body as it came in, where it is a time and none to schedule for. */
export function checkFuture(body: unknown): readonly InvalidField[] {
  const parsed = moment.safeParse((body as { scheduled_at?: unknown } | null | undefined)?.scheduled_at);
  return parsed.success && !isSchedulable(parsed.data) ? [{ pointer: '/scheduled_at', detail: FUTURE_ADVICE }] : [];
}

/** Throws where a time to send at is past or too far away. */
export function assertFuture(scheduledAt: Date): void {
  if (isSchedulable(scheduledAt)) return;
  throw new ApiProblem('invalid_request', { errors: [{ pointer: '/scheduled_at', detail: FUTURE_ADVICE }] });
}
