import type { BulkCallbackFault } from './bulk/bulk-callback-faults';

/** One attempt to deliver a callback, or the reason why none was made. */
export interface CallbackAttempt {
  /** null: the callback of a batch. */
  readonly transactionId: string | null;
  /** null: the callback of a unit cash-in. */
  readonly bulkId: string | null;
  readonly reference: string | null;
  readonly url: string;
  readonly fault: BulkCallbackFault | null;
  /** HTTP status, the error, or why nothing was sent. */
  readonly result: number | string;
  readonly at: number;
}

export interface CallbackLog {
  note(attempt: CallbackAttempt): void;
  attempts(): readonly CallbackAttempt[];
  reset(): void;
}

export function createCallbackLog(): CallbackLog {
  let attempts: CallbackAttempt[] = [];
  return {
    note: (attempt) => void attempts.push(attempt),
    attempts: () => attempts,
    reset: () => {
      attempts = [];
    },
  };
}
