import type { Closers } from './closers';

export interface ModeOptions {
  /** Payouts, or lines of a bulk, per contender and round. */
  payouts: number;
  /** Measured rounds; something smaller goes before them, to warm up. */
  rounds: number;
  /** Names of the contenders to run; all where there is none. For the modes that can do so. */
  only: readonly string[];
  /** Variables of the product's processes, over those that the mode sets. */
  set: Readonly<Record<string, string>>;
  /** Where the product's processes leave CPU profiles when they end; null: they make none. */
  profileDirectory: string | null;
  /** Closed by the caller, in reverse order, however the run ends. */
  closers: Closers;
  print: (line: string) => void;
}

/** What a mode found; `ratios` are our figure over each baseline's, of the same run. */
export interface BenchResult {
  versions: Readonly<Record<string, string>>;
  figures: object;
  ratios: Readonly<Record<string, number>>;
  /** What must not be, where it was: the command fails for it. */
  violation?: string | null;
}

export interface Mode {
  /** How many payouts and rounds, where nothing else is asked for. */
  payouts: number;
  rounds: number;
  run(options: ModeOptions): Promise<BenchResult>;
}
