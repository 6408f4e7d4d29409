/** The rules of money by their short names; each is in docs/architecture.md with where it is held. */
export const RULES = [
  'durable 202',
  'idempotency',
  'one owner',
  'intent fence',
  'one call per intent',
  'outcome table',
  'fresh secrets',
  'credential gate',
  'cancel races intent',
  'unknown holds',
  'look-ups',
  'dedupe contract',
  'unrecorded outcome',
  'callback is a hint',
  'append only',
  'ledger',
  'guarded release',
  'two persons',
  'retry',
  'no secret in clear',
  'one deliverer',
] as const;

export type Rule = (typeof RULES)[number];

/** One rule of money, broken: a change of one text in one declaration, and the tests that must notice it. */
export interface Mutant {
  /** A few words, unique: `--only` takes it. */
  name: string;
  rule: Rule;
  /**
   * Where the text stands. `file` and `of`: a function, method or constant of a TypeScript file. `sql`: how a statement of the
   * migrations begins, `function NAME` for a function whatever its arguments; the newest such statement is changed.
   */
  place: { file: string; of: string } | { sql: string };
  /** Must stand exactly once in that declaration. */
  find: string;
  replace: string;
  /** The nearest tests; at least one must fail by an assertion. */
  tests: readonly MutantTest[];
}

export interface MutantTest {
  /** Within test/, without `.test.ts`. */
  file: string;
  /** A part of the test's full name. */
  name: string;
}
