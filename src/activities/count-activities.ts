import { ApplicationFailure } from '@temporalio/common';
import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';

type AnyActivities = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

/** A poll whose answer is not there yet ends with an error so that Temporal asks again: that is no failure. */
function isWait(error: unknown): boolean {
  return error instanceof ApplicationFailure && error.type === 'still_pending';
}

/**
 * Counts what activities do, by name and result, and the payouts that they leave in each state. Taking a payout up
 * (`takeUp`) is what every run begins with, so that its count is that of the runs.
 */
export function countActivities<A extends object>(activities: A, registry: Registry): A {
  const calls = new Counter({
    name: 'cauri_activities_total',
    help: 'Activities that ended, by name and result; `waiting`: the answer is not there yet and is asked for again',
    labelNames: ['activity', 'result'],
    registers: [registry],
  });
  const positions = new Counter({
    name: 'cauri_payout_positions_total',
    help: 'Payouts as activities left them, by activity and state',
    labelNames: ['activity', 'state'],
    registers: [registry],
  });
  const counted = Object.entries(activities as AnyActivities).map(([activity, run]) => [
    activity,
    async (...args: never[]): Promise<unknown> => {
      try {
        const result = await run(...args);
        calls.inc({ activity, result: 'done' });
        const state = (result as { state?: unknown } | null | undefined)?.state;
        if (typeof state === 'string') positions.inc({ activity, state });
        return result;
      } catch (error) {
        calls.inc({ activity, result: isWait(error) ? 'waiting' : 'failed' });
        throw error;
      }
    },
  ]);
  return Object.fromEntries(counted) as A;
}
