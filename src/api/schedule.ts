import { ApiProblem } from './problem';

const MAX_DAYS = 366;

/** Throws where a time to send at is past or too far away. */
export function assertFuture(scheduledAt: Date): void {
  const inMs = scheduledAt.getTime() - Date.now();
  if (inMs > 0 && inMs <= MAX_DAYS * 24 * 3_600_000) return;
  throw new ApiProblem('invalid_request', {
    errors: [
      { pointer: '/scheduled_at', detail: `give a time in the future, within ${MAX_DAYS} days, or leave it out` },
    ],
  });
}
