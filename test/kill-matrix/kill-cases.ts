import type { HoldPoint } from '../../src/simulators/orange/holds';
import type { ScenarioName } from '../../src/simulators/orange';
import type { KillAt } from './kill-pause';

/** Where a payout comes to rest. `unknown`: nobody can tell whether it was paid, and it must stay so. */
export type KillEnd = 'succeeded' | 'failed' | 'unknown';

/** One step of a payout and one side of it. */
export interface KillCase {
  /** Reads on from "… stands ". */
  name: string;
  /** The worker's own point, or the provider's: it has the order, and has moved the money or not. */
  at: KillAt | HoldPoint;
  scenario: ScenarioName;
  /** Its start was lost: a sweeper makes it. */
  swept?: true;
  /** Waits for its time first. */
  scheduled?: true;
  /** The endpoint refuses each event once, so that a delivery of its own is made. */
  refusesWebhooks?: true;
  /** After the worker was killed there. */
  killed: KillEnd;
  /** While the worker stands there and another has taken the payout up; and when it was woken. */
  stopped: { meanwhile: KillEnd; woken: KillEnd };
  /** After a server was away, and the worker went on. */
  away: KillEnd;
}

const PAID = {
  killed: 'succeeded',
  stopped: { meanwhile: 'succeeded', woken: 'succeeded' },
  away: 'succeeded',
} as const;

/** An intent whose call may have left and never did: only the worker that stands there could tell. */
const TOLD_BY_THE_WOKEN = {
  killed: 'unknown',
  stopped: { meanwhile: 'unknown', woken: 'succeeded' },
  away: 'succeeded',
} as const;

function paid(name: string, point: string, scenario: ScenarioName = 'success', more: Partial<KillCase> = {}): KillCase {
  return { name, at: { point }, scenario, ...PAID, ...more };
}

/** The name of the point at which a case's payout stands. */
export const pointOf = ({ at }: KillCase): string => (typeof at === 'string' ? at : at.point);

/** Every step of the payout, and every side of it. */
export const KILL_CASES: readonly KillCase[] = [
  paid('leased by a sweeper, before its run is started', 'sweep:claimed', 'success', { swept: true }),
  paid('leased by a sweeper, after its run was started', 'sweep:started', 'success', { swept: true }),
  paid('before it is taken up', 'takeUp:before'),
  paid('after it was taken up', 'takeUp:after'),
  paid('before its time is said to have come', 'releaseScheduled:before', 'success', { scheduled: true }),
  paid('after its time was said to have come', 'releaseScheduled:after', 'success', { scheduled: true }),
  paid('before authentication', 'authenticate:before'),
  paid('with a token that is not written down', 'token:answered'),
  paid('after authentication', 'authenticate:after'),
  paid('before the PIN is encrypted', 'encryptPin:before'),
  paid('with a key that is not written down', 'key:answered'),
  paid('after the PIN was encrypted', 'encryptPin:after'),

  paid('before the submission', 'submitPayout:before'),
  paid('connected, before the intent', 'call 1:connected'),
  paid('in the transaction of its intent, before the commit', 'intent:committing'),
  {
    name: 'with its intent written, before the first byte',
    at: { point: 'call 1:cleared' },
    scenario: 'success',
    ...TOLD_BY_THE_WOKEN,
  },
  paid('with its order at a provider that moves the money later', '', 'success', { at: 'before_move' }),
  paid('with its money moved, before the answer is read', '', 'success', { at: 'after_move' }),
  paid('with an answer that is not written', 'call 1:answered'),
  paid('in the statement that writes its answer, which it does not know to have committed', 'answer:written'),
  {
    ...paid('in the transaction of a refusal, before the commit', 'answer:committing', 'failed'),
    killed: 'failed',
    stopped: { meanwhile: 'failed', woken: 'failed' },
    away: 'failed',
  },
  paid('with the answer "pending" that is not written', 'call 1:answered', 'pending_success'),
  {
    ...paid('with a refusal that is not written and that a look-up shows', 'call 1:answered', 'failed'),
    killed: 'failed',
    stopped: { meanwhile: 'failed', woken: 'failed' },
    away: 'failed',
  },
  {
    ...paid('with a refusal that is not written and that no look-up shows', 'call 1:answered', 'customer_unknown'),
    killed: 'unknown',
    stopped: { meanwhile: 'unknown', woken: 'failed' },
    away: 'failed',
  },
  paid('after its answer was written, unknown to the run', 'submitPayout:after'),
  paid('after "pending" was written, unknown to the run', 'submitPayout:after', 'pending_success'),
  paid('connected, before the intent of its second call', 'call 2:connected', 'unauthorized_once'),
  {
    name: 'with the intent of its second call written, before its first byte',
    at: { point: 'call 2:cleared' },
    scenario: 'unauthorized_once',
    ...TOLD_BY_THE_WOKEN,
  },
  paid('with the second call’s answer that is not written', 'call 2:answered', 'unauthorized_once'),

  paid('before an attempt of which nothing is written is recovered', '', 'success', {
    at: { point: 'recoverAttempt:before', dies: 'before_intent' },
  }),
  paid('after an attempt of which nothing is written was recovered', '', 'success', {
    at: { point: 'recoverAttempt:after', dies: 'before_intent' },
  }),
  ...(['before', 'after'] as const).map((side): KillCase => ({
    name: `${side} an attempt whose intent alone is written is recovered`,
    at: { point: `recoverAttempt:${side}`, dies: 'after_intent' },
    scenario: 'success',
    killed: 'unknown',
    stopped: { meanwhile: 'unknown', woken: 'unknown' },
    away: 'unknown',
  })),

  paid('before the status is asked', 'status:asking', 'pending_success'),
  paid('with a status that is not written', 'status:answered', 'pending_success'),
  paid('after the final status was written, unknown to the run', 'poll:after', 'pending_success'),
  paid('before it is looked up', 'lookUp:asking', 'lost_moved'),
  paid('with rows that are not written', 'lookUp:answered', 'lost_moved'),
  paid('after what was looked up was written, unknown to the run', 'lookUpPayout:after', 'lost_moved'),

  paid('before its webhook is tried', 'deliverPayoutWebhooks:before'),
  paid('with its webhook sent and not written', 'webhook:sent'),
  paid('after its webhook was written, unknown to the run', 'deliverPayoutWebhooks:after'),
  paid('before its webhook is tried again', 'deliverWebhook:before', 'success', { refusesWebhooks: true }),
  paid('after its webhook was tried again, unknown to its run', 'deliverWebhook:after', 'success', {
    refusesWebhooks: true,
  }),
];
