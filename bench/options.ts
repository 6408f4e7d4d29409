import { parseArgs } from 'node:util';

export interface BenchOptions {
  payouts: number;
  rounds: number;
  /** The last line is one JSON object. */
  json: boolean;
}

/** @throws Error that names a flag that does not exist or a value that is none. */
export function parseBenchCommand(
  args: readonly string[],
  defaultPayouts: (mode: string) => number,
): { mode: string; options: BenchOptions } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { payouts: { type: 'string' }, rounds: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const [mode = '', ...rest] = positionals;
  if (rest.length > 0) throw new Error(`Not understood: ${rest.join(' ')}.`);
  return {
    mode,
    options: {
      payouts: wholeNumber('--payouts', values.payouts) ?? defaultPayouts(mode),
      rounds: wholeNumber('--rounds', values.rounds) ?? 3,
      json: values.json,
    },
  };
}

function wholeNumber(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new Error(`${flag}: "${text}" is no whole number above 0.`);
}
