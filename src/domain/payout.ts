import { LAST_LOOK } from './last-look';
import type { Currency } from './currency';
import type { Environment } from './environment';
import type { MethodId, ProviderId, RecipientField } from './methods';
import type { PayoutState } from './payout-state';
import type { Reason } from './reasons';

/** One movement of money to one recipient, as the domain sees it. */
export interface Payout {
  id: string;
  merchantId: string;
  environment: Environment;
  /** `payout/<id>` or `bulk/<id>`: who alone may start, cancel and retry it. */
  owner: string;
  /** The bulk of which it is a line, whoever owns it now; null where it stands alone. */
  bulkId: string | null;
  state: PayoutState;
  /** Grows by one with each change; also the sequence of the event that records the change. */
  version: number;
  attempt: number;
  holdNo: number;
  /** Minor units. */
  amount: bigint;
  currency: Currency;
  method: MethodId;
  provider: ProviderId;
  credentialId: string;
  recipient: Partial<Record<RecipientField, string>>;
  description: string;
  reference: string | null;
  metadata: Record<string, string>;
  scheduledAt: Date | null;
  reason: Reason;
  retryAt: Date | null;
  /** How often it was put back in a row without being sent. */
  deferrals: number;
  settleBy: Date | null;
  /** Unknown, and allowed to be sent once more beside the look-ups of what may have left. */
  resend: boolean;
  providerReference: string | null;
  acceptedAt: Date;
  updatedAt: Date;
  finishedAt: Date | null;
}

/** True where an attempt may be sent: it waits for its turn, or is unknown and may be sent once more. */
export function isToBeSent({ state, resend }: Pick<Payout, 'state' | 'resend'>): boolean {
  return state === 'queued' || (state === 'unknown' && resend);
}

/** The owner of a payout that stands alone. */
export function ownPayoutOwner(payoutId: string): string {
  return `payout/${payoutId}`;
}

/** Its settlement window has ended: what is not found now is for people. */
export function isWindowOver({ settleBy }: Payout): boolean {
  return settleBy !== null && settleBy.getTime() <= Date.now();
}

/** The provider could not be asked for so long after the end of the window that people decide without a last look. */
export function isPastLastLook({ settleBy }: Payout): boolean {
  return settleBy !== null && settleBy.getTime() + LAST_LOOK.forMs <= Date.now();
}
