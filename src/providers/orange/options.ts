import { DEFAULT_STAGE_TIMEOUTS } from '../http/http-request';
import type { StageTimeouts } from '../http/http-request';

export interface OrangeOptions {
  /** `https://api.orange-sonatel.com` (live) or `https://api.sandbox.orange-sonatel.com`; a path prefix is kept. */
  baseUrl: string;
  timeouts?: Partial<StageTimeouts>;
  /** PEM roots that replace the machine's trusted ones; null trusts the machine's. */
  ca?: string | null;
  /** How far before the submission a search begins, in milliseconds: clocks differ. Live clients use 120 s. */
  lookUpBackMarginMs?: number;
  /** Rows per page of a search. 20 is the provider's default, so a server that ignores `size` still pages like this. */
  lookUpPageSize?: number;
  /**
   * How a search writes its times. The specification says `date-time`, so UTC with `Z`; one live client writes them
   * without a zone, which is the same in Senegal.
   */
  searchTimes?: 'utc' | 'zoneless';
  /** Milliseconds in which the provider promises a final answer: 24 hours by its specification. */
  settlementWindowMs?: number;
  /**
   * Milliseconds after a lost answer from which it is sent once more while no search shows it. Null, the default: never,
   * since the specification does not say that a reference which a search does not show was never paid.
   */
  resendAfterMs?: number | null;
  /** How old or early a callback's signature may be, in milliseconds: 300 s by the specification. */
  callbackToleranceMs?: number;
  /** Whether the provider tells the recipient by SMS. */
  receiveNotification?: boolean;
  /** Lines of one bulk call. The specification states no limit. */
  bulkMaxLines?: number;
  /** Rows per page of a search for many lines: 500 is the specification's most. */
  bulkPageSize?: number;
}

export type ResolvedOrangeOptions = Required<Omit<OrangeOptions, 'timeouts'>> & { timeouts: StageTimeouts };

/** Fills in the documented defaults and checks the base URL. */
export function resolveOrangeOptions(options: OrangeOptions): ResolvedOrangeOptions {
  return {
    baseUrl: new URL(options.baseUrl).href.replace(/\/+$/, ''),
    timeouts: { ...DEFAULT_STAGE_TIMEOUTS, ...options.timeouts },
    ca: options.ca ?? null,
    lookUpBackMarginMs: options.lookUpBackMarginMs ?? 120_000,
    lookUpPageSize: options.lookUpPageSize ?? 20,
    searchTimes: options.searchTimes ?? 'utc',
    settlementWindowMs: options.settlementWindowMs ?? 24 * 3_600_000,
    resendAfterMs: options.resendAfterMs ?? null,
    callbackToleranceMs: options.callbackToleranceMs ?? 300_000,
    receiveNotification: options.receiveNotification ?? false,
    bulkMaxLines: options.bulkMaxLines ?? 500,
    bulkPageSize: options.bulkPageSize ?? 500,
  };
}
