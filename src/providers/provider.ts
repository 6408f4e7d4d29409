import type { BatchOutcome } from '../domain/batch';
import type { CallbackSecrets, ParsedBatchCallback, ParsedCallback, RawCallback } from '../domain/callback';
import type { ProviderRow } from '../domain/look-up';
import type { Outcome } from '../domain/outcome';
import type { ProviderId } from '../domain/methods';

/**
 * How a second payment is avoided when an answer is lost.
 * `key`: resending under the same key is safe. `lookup`: it must be found by its reference first. `none`: people decide.
 * `absenceIsEvidence` names the source where the provider itself declares that a reference which it does not show was
 * never paid; `false` where it does not. `resendAfterMs`: milliseconds after a lost answer's send-by time and margin from
 * which a payout that look-ups do not show is sent once more, under a new reference; null: never.
 */
export type DedupeContract =
  | { kind: 'key' }
  | { kind: 'lookup'; absenceIsEvidence: false | { source: string }; resendAfterMs: number | null }
  | { kind: 'none' };

/** The account that pays, with what is needed to call in its name. Lives only while a call is being made. */
export interface ProviderAccount {
  clientId: string;
  clientSecret: string;
  /** The paying account's number in the provider's own spelling. */
  accountNumber: string;
  idType: 'MSISDN' | 'CODE';
}

export interface AccessToken {
  value: string;
  /** Seconds from the answer until the provider refuses it. */
  expiresInSeconds: number;
}

/** A public key that PINs are encrypted with. `id` is the provider's own name of it. */
export interface EncryptionKey {
  id: string;
  /** Base64 DER, SubjectPublicKeyInfo. */
  key: string;
}

export interface PayoutOrder {
  /** Our submission id; the provider hands it back, and look-ups search for it. */
  reference: string;
  /** Minor units. */
  amount: bigint;
  currency: string;
  /** The recipient in E.164 (or what the method asks for). */
  recipient: string;
  account: ProviderAccount;
  token: string;
  encryptedPin: string;
}

/**
 * Asked after the connection stands (TCP and TLS) and right before the first byte of the request. The intent is written
 * in here. `go` lets the request leave; with `stop` no byte leaves and the outcome is `not_sent`.
 */
export type Clearance = () => Promise<'go' | 'stop'>;

export type StatusAnswer = {
  status: 'success' | 'failed' | 'in_flight' | 'unmapped';
  code: string | null;
  text: string | null;
};

/** Asked before each page of a search but the first: every page is a request of the account. */
export type NextPage = () => Promise<void>;

export interface LookUpQuery {
  reference: string;
  /** When the submission was written; the connector adds its own margin backwards. */
  since: Date;
  account: ProviderAccount;
  token: string;
  nextPage: NextPage;
}

/**
 * Why a call that moves no money did not give an answer. Thrown as `ProviderError`. `pin`: the secret was refused;
 * `secret_expired`: it is right, and must be changed.
 */
export const PROVIDER_ERROR_KINDS = [
  'unreachable',
  'unavailable',
  'throttled',
  'token',
  'key',
  'pin',
  'secret_expired',
  'refused',
  'malformed',
] as const;

export type ProviderErrorKind = (typeof PROVIDER_ERROR_KINDS)[number];

/** A call that moves no money failed. Never carries a body, a number or a secret. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';

  constructor(
    readonly kind: ProviderErrorKind,
    message: string,
    readonly code: string | null = null,
  ) {
    super(message);
  }
}

/** Calls about the paying account that people and the credential gate make. All may throw `ProviderError`. */
export interface AccountOperations {
  fetchEncryptionKey(account: ProviderAccount, token: string): Promise<EncryptionKey>;
  encryptPin(pin: string, key: EncryptionKey): string;
  /** PIN-bearing: goes through the credential gate. Minor units. */
  fetchRetailerBalance(
    account: ProviderAccount,
    token: string,
    encryptedPin: string,
  ): Promise<{ amount: bigint; currency: string }>;
  /** PIN-bearing: goes through the credential gate. */
  fetchCustomerBalance(
    account: ProviderAccount,
    token: string,
    encryptedPin: string,
  ): Promise<{ amount: bigint; currency: string }>;
  /** Needs no PIN. */
  fetchProfile(
    account: ProviderAccount,
    token: string,
  ): Promise<{ balance: bigint; currency: string; suspended: boolean }>;
  /** `unknown` where the answer was lost: the PIN may be either. PIN-bearing. */
  changePin(
    account: ProviderAccount,
    token: string,
    pins: { encryptedPin: string; encryptedNewPin: string },
  ): Promise<{ outcome: 'changed' | 'refused' | 'wrong_pin' | 'unknown'; code: string | null }>;
  registerCallback(
    token: string,
    registration: { code: string; callbackUrl: string; name: string; apiKey: string },
  ): Promise<void>;
  fetchSandboxNumbers(token: string): Promise<readonly { msisdn: string; type: string | null; pin: string | null }[]>;
  searchTransactions(
    token: string,
    filter: { reference?: string; from?: Date; to?: Date; page?: number; size?: number },
  ): Promise<readonly ProviderRow[]>;
}

/** Lines that leave in one request, of one account. */
export interface BatchOrder {
  /** Each with a PIN block of its own. */
  lines: readonly Omit<PayoutOrder, 'account' | 'token'>[];
  account: ProviderAccount;
  token: string;
  /** An https address that the provider calls when the batch has ended; its path is known to nobody else. */
  callbackUrl: string;
}

/** A provider's own call for many payouts at once. */
export interface BulkOperations {
  /** Lines that one call may carry. */
  readonly maxLines: number;
  /** Milliseconds that one call may take from connect to the last byte of the answer. */
  readonly submitTimeoutMs: number;
  /** Never throws for what the provider or the network does: everything is a `BatchOutcome`. */
  submit(order: BatchOrder, clearance: Clearance, sendBy: Date): Promise<BatchOutcome>;
  /** One complete pass over all rows of a batch. Throws `ProviderError`; never returns a part. */
  listLines(query: {
    account: ProviderAccount;
    token: string;
    batchReference: string;
    nextPage: NextPage;
  }): Promise<readonly ProviderRow[]>;
  parseCallback(callback: RawCallback, secrets: CallbackSecrets): ParsedBatchCallback;
}

/** The port: what moves money, as the rest of Cauri sees it. A new provider is one folder that implements this. */
export interface Provider {
  readonly id: ProviderId;
  readonly dedupe: DedupeContract;
  /** Milliseconds after the first unproven submission within which the provider promises a final answer. */
  readonly settlementWindowMs: number;
  /** Milliseconds that one submit call may take from connect to the last byte of the answer. */
  readonly submitTimeoutMs: number;
  /** How far, in milliseconds, the provider's clock may be from ours: a search by time begins that much earlier. */
  readonly clockMarginMs: number;
  /** Throws `ProviderError`. */
  authenticate(account: ProviderAccount): Promise<AccessToken>;
  /**
   * The money call. Never throws for what the provider or the network does: everything is an `Outcome`. Over a connection
   * of its own, or one that is shared with other calls: then more failures are `unknown`.
   */
  submit(order: PayoutOrder, clearance: Clearance, sendBy: Date, connection?: 'own' | 'shared'): Promise<Outcome>;
  /** Status by the provider's own reference. Throws `ProviderError`. */
  fetchStatus(account: ProviderAccount, token: string, providerReference: string): Promise<StatusAnswer>;
  /** One complete pass over all pages that show the reference. Throws `ProviderError`; never returns a part. */
  lookUp(query: LookUpQuery): Promise<readonly ProviderRow[]>;
  /** One complete pass over all transactions of a credential in a time. Throws `ProviderError`; never returns a part. */
  listTransactions(query: {
    account: ProviderAccount;
    token: string;
    from: Date;
    to: Date;
    nextPage: NextPage;
    /** The token of the next page, where the search may outlive the first one's. */
    renewToken?: () => Promise<string>;
    /** Shown the rows of each page that was read, also of a pass that fails on a later one. */
    onPage?: (rows: readonly ProviderRow[]) => void;
  }): Promise<readonly ProviderRow[]>;
  /** A recipient in the provider's own spelling, to hold its rows against. Throws for what cannot be spelled. */
  spellRecipient(recipient: string): string;
  parseCallback(callback: RawCallback, secrets: CallbackSecrets): ParsedCallback;
  /** Null where the provider has no such call. */
  readonly bulk: BulkOperations | null;
  readonly account: AccountOperations;
}
