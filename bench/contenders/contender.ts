/** Somebody who carries payouts, measured beside others on the same servers. */
export interface Contender {
  name: string;
  /** What it is, in one line for the report. */
  what: string;
  /** Carries one payout to its end; settles once its webhook is delivered. @returns the id of its workflow. */
  pay(): Promise<string>;
}
