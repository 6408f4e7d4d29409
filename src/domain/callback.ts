import type { CallbackClaim } from './callback-merge';

/** A callback as it came in: raw bytes, since signatures cover them. Header names are lower case. */
export interface RawCallback {
  body: Buffer;
  headers: Readonly<Record<string, string | undefined>>;
  receivedAt: Date;
}

/** What was registered for callbacks of one credential; null where the provider issued none. */
export interface CallbackSecrets {
  signingSecret: string | null;
  authorization: string | null;
}

export type ParsedCallback =
  | { authentic: false; why: string }
  | {
      authentic: true;
      /** The provider's id of this event, equal over its retries; null where it sends none. */
      eventId: string | null;
      /** Our submission id, where the callback carries it. */
      reference: string | null;
      providerReference: string | null;
      claim: CallbackClaim;
      paid: PaidByCallback;
    };

/** What a callback says was paid to whom; null where it does not say. */
export interface PaidByCallback {
  /** Minor units; negative where it says what is no amount. */
  amount: bigint | null;
  currency: string | null;
  /** In E.164; as the provider wrote it where that is no number of its country. */
  recipient: string | null;
}

/** The callback of a whole batch: a hint that it has ended. */
export type ParsedBatchCallback =
  | { authentic: false; why: string }
  | {
      authentic: true;
      eventId: string | null;
      /** The provider's name of the batch; null where it names none. */
      batchReference: string | null;
    };
