import { ApplicationFailure } from '@temporalio/common';

import type { Reason } from '../domain/reasons';
import type { ProviderError } from '../providers/provider';
import type { ProviderErrorKind } from '../providers/provider';

/** Why a payout waits when a call that moves no money failed: provider → domain, one table. */
const REASON_OF: Readonly<Record<ProviderErrorKind, Reason>> = {
  unreachable: 'provider_unreachable',
  unavailable: 'provider_unreachable',
  malformed: 'provider_unreachable',
  throttled: 'throttled',
  token: 'credential_refused',
  refused: 'credential_refused',
  key: 'stale_key',
  pin: 'credential_blocked',
  secret_expired: 'credential_blocked',
};

export function reasonForProviderError(error: ProviderError): Reason {
  return REASON_OF[error.kind];
}

/** Not yet: an expected miss, tried again after `nextMs`. Benign, so that it counts as no error anywhere. */
export function stillPending(nextMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'still_pending',
    message: 'the final answer is not there yet',
    nextRetryDelay: nextMs,
    category: 'BENIGN',
  });
}

/** PostgreSQL refused to undo, and to put the payout in review: the open question is with people, trying again is no use. */
export function undoRefused(): ApplicationFailure {
  return ApplicationFailure.nonRetryable('an undo was refused; people must look', 'undo_refused');
}
