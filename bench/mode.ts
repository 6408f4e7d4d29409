import type { Closers } from './closers';

export interface ModeOptions {
  /** Payouts per contender and round. */
  payouts: number;
  /** Measured rounds; one more goes before them, to warm up. */
  rounds: number;
  /** Closed by the caller, in reverse order, however the run ends. */
  closers: Closers;
  print: (line: string) => void;
}

/** What a mode found; `ratios` are our figure over each baseline's, of the same run. */
export interface BenchResult {
  versions: Readonly<Record<string, string>>;
  figures: object;
  ratios: Readonly<Record<string, number>>;
}

export interface Mode {
  /** How many payouts, where nothing else is asked for. */
  payouts: number;
  run(options: ModeOptions): Promise<BenchResult>;
}
