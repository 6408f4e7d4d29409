import type { NewRow } from '../events';
import type { CashInRequest } from '../cash-in-request';
import type { Revealed, ScenarioName } from '../scenarios';
import type { BulkCallbackFault } from './bulk-callback-faults';
import type { BulkRowsQuirk, BulkStatus } from './bulk-scenario';
import type { BulkScenarioName } from './bulk-scenarios';

/** A line that was taken, without its PIN: what processing it needs, also after a restart. */
export interface TakenLine {
  readonly submission: number;
  /** Msisdn of the paying account. */
  readonly payer: string;
  readonly scenario: ScenarioName;
  readonly revealed: Revealed;
  readonly dueAt: number;
  /** The batch ends without waiting for it. */
  readonly straggler: boolean;
  readonly request: Omit<CashInRequest, 'encryptedPinCode'>;
}

/** What a test has planned for a batch to come; see `POST /_sim/bulks/next`. */
export interface PlannedBulk {
  readonly scenario: BulkScenarioName;
  readonly callbackFault: BulkCallbackFault | null;
}

export interface TakenBulk {
  readonly bulkId: string;
  readonly call: number;
  /** Msisdn of the account that pays the first line. */
  readonly payer: string;
  /** Status in the answer, had it arrived. */
  readonly status: BulkStatus;
  readonly callbackUrl: string;
  /** null: no callback is sent for it. */
  readonly callback: { readonly status: string; readonly fault: BulkCallbackFault | null } | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order in which they are processed; empty where none is. */
  readonly lines: readonly TakenLine[];
  readonly rows: BulkRowsQuirk | null;
  /** Not before this moment. */
  readonly endsAt: number;
  readonly takenAt: number;
}

/** Everything that changes the simulator's state through bulk calls, in the order of the journal. */
export type BulkEvent =
  | {
      readonly e: 'bulk_received';
      readonly call: number;
      readonly callbackUrl: string | null;
      readonly lines: readonly {
        readonly reference: string | null;
        readonly customer: string | null;
        readonly amount: number | null;
      }[];
      readonly at: number;
    }
  | {
      readonly e: 'bulk_scenario';
      readonly call: number;
      readonly scenario: BulkScenarioName;
      /** It was planned by a test and is used up. */
      readonly planned: boolean;
    }
  | { readonly e: 'bulk_taken'; readonly bulk: TakenBulk }
  | { readonly e: 'bulk_line'; readonly bulkId: string; readonly rows: readonly NewRow[] }
  | { readonly e: 'bulk_ended'; readonly bulkId: string; readonly at: number }
  | { readonly e: 'bulk_callback_closed'; readonly bulkId: string }
  | { readonly e: 'bulk_answered'; readonly call: number; readonly answer: string }
  | { readonly e: 'bulks_planned'; readonly bulks: readonly PlannedBulk[] };
