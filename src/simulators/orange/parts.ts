import type { BulkCallbacks } from './bulk/bulk-callbacks';
import type { BulkRunner } from './bulk/bulk-runner';
import type { CallbackLog } from './callback-log';
import type { Callbacks } from './callbacks';
import type { Holds } from './holds';
import type { KeyRing } from './key-pair';
import type { ResolvedOptions } from './options';
import type { RateLimit } from './rate-limit';
import type { RequestCounts } from './request-counts';
import type { Settlement } from './settlement';
import type { Store } from './store';
import type { Timers } from './timers';
import type { Tokens } from './tokens';

/** What the endpoints work with; put together in orange-simulator.ts. */
export interface Parts {
  readonly options: ResolvedOptions;
  readonly store: Store;
  readonly timers: Timers;
  readonly holds: Holds;
  readonly counts: RequestCounts;
  readonly keyRing: KeyRing;
  readonly tokens: Tokens;
  readonly callbackLog: CallbackLog;
  readonly callbacks: Callbacks;
  readonly rateLimit: RateLimit;
  readonly settlement: Settlement;
  readonly bulkCallbacks: BulkCallbacks;
  readonly bulkRunner: BulkRunner;
}
