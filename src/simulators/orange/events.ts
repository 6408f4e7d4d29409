import type { BulkEvent } from './bulk/bulk-events';
import type { RuntimePatch } from './options';
import type { Revealed, ScenarioName, SearchQuirk } from './scenarios';
import type { TransactionStatus } from './transaction-status';

export const ACCOUNT_TYPES = ['customer', 'retailer', 'merchant'] as const;
export type AccountType = (typeof ACCOUNT_TYPES)[number];

/** Who stands at one end of a cash-in, as the client named it; never with a PIN or a name. */
export interface Party {
  readonly id: string;
  readonly idType: string;
  readonly walletType: string;
}

/** One transaction as it was written down first. `bulkId` is the place of a bulk's lines. */
export interface NewRow {
  readonly transactionId: string;
  readonly submission: number;
  readonly reference: string | null;
  readonly bulkId: string | null;
  readonly partner: Party;
  readonly customer: Party;
  /** Msisdn of the paying account, also where the client named its code. */
  readonly payer: string;
  /** Whole XOF. */
  readonly amount: number;
  readonly status: TransactionStatus;
  readonly last: 'SUCCESS' | 'FAILED' | null;
  readonly settleAt: number | null;
  /** The truth behind the status: money has moved. */
  readonly moved: boolean;
  readonly reason: string | null;
  readonly scenario: ScenarioName;
  readonly search: SearchQuirk | null;
  readonly visibleAt: number;
  readonly receiveNotification: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly requestDate: string | null;
  readonly createdAt: number;
}

/** Everything that changes the simulator's state, in the order of the journal. */
export type SimulatorEvent =
  | { readonly e: 'token_secret'; readonly secret: string }
  | { readonly e: 'key'; readonly keyId: string; readonly privatePem: string }
  | {
      readonly e: 'account';
      readonly msisdn: string;
      readonly code?: string;
      readonly type?: AccountType;
      readonly pin?: string;
      readonly ceiling?: number | null;
      readonly suspended?: boolean;
      readonly mustChangePin?: boolean;
      readonly pinChanged?: boolean;
    }
  | { readonly e: 'float_issued'; readonly msisdn: string; readonly amount: number }
  | { readonly e: 'pin_tries'; readonly msisdn: string; readonly wrong: number }
  | {
      readonly e: 'received';
      readonly submission: number;
      readonly reference: string | null;
      readonly customer: string | null;
      readonly amount: number | null;
      readonly at: number;
    }
  | {
      readonly e: 'scenario';
      readonly submission: number;
      readonly scenario: ScenarioName;
      readonly revealed: Revealed;
    }
  | { readonly e: 'answered'; readonly submission: number; readonly answer: string }
  | { readonly e: 'row'; readonly row: NewRow }
  | {
      readonly e: 'settled';
      readonly transactionId: string;
      readonly status: 'SUCCESS' | 'FAILED';
      readonly at: number;
    }
  | { readonly e: 'shown'; readonly reference: string; readonly shown: boolean }
  | {
      readonly e: 'callback_registered';
      readonly code: string;
      readonly callbackUrl: string;
      readonly name: string | null;
      readonly apiKey: string | null;
      readonly at: number;
    }
  | { readonly e: 'callback_closed'; readonly transactionId: string }
  | BulkEvent
  | { readonly e: 'configured'; readonly patch: RuntimePatch };
