import type { AcceptedPayout, ToldBulk, ToldPayout } from './judge';
import type { ProviderTruth } from './provider-truth';

export type Told = ReadonlyMap<string, ToldPayout | null>;

/** What the driver has been promised, and what it is told of it now. */
export interface Account {
  accepted: readonly AcceptedPayout[];
  told: Told;
  bulks: readonly ToldBulk[];
}

/** What a merchant orders in a run: single payouts, or bulks of them. The driver's own list is kept here. */
export interface Orders {
  /** Payouts, or lines of bulks. */
  planned: number;
  /** Those that were answered with 202 by now. */
  accepted(): number;
  sendWave(wave: number): Promise<void>;
  /** What merchants do while things go wrong: they retry what failed. */
  tend(): Promise<void>;
  /** Everything that was begun in the background is done. */
  allDone(): Promise<void>;
  /** Orders once more what met no fault of its kind: its call was cut off before, or it was given up. */
  askAgain(struck: Readonly<Record<string, number>>): Promise<void>;
  /** Orders a little more, for the `round`th time, that no fault is planned for. */
  sendMore(round: number): Promise<void>;
  /** A PIN was refused `struck` times by a number that refuses every one: what carries it is given up. */
  giveUpRefused(struck: number): Promise<void>;
  /** Gives up what stays queued for ever: `stuck` payouts wait for the provider, and meet their fault each time. */
  giveUpStuck(stuck: ReadonlySet<string>, references: ProviderTruth['references']): Promise<void>;
  /** Asks about everything again that was not final by `before`. */
  account(before: Told): Promise<Account>;
  /** How often each kind of fault that was planned for these orders happened, by name. */
  faults(): Promise<Readonly<Record<string, number>>>;
}
