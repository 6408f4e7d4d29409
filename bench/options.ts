import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

export interface BenchOptions {
  payouts: number;
  rounds: number;
  /** Names of the contenders to run; all of the mode where there is none. */
  only: readonly string[];
  /** Variables of the product's processes, over those that the mode sets. */
  set: Readonly<Record<string, string>>;
  /** Where the product's processes leave CPU profiles when they end; null: they make none. */
  profileDirectory: string | null;
  /** The last line is one JSON object. */
  json: boolean;
}

/** @throws Error that names a flag that does not exist or a value that is none. */
export function parseBenchCommand(
  args: readonly string[],
  defaultsOf: (mode: string) => { payouts: number; rounds: number } | undefined,
): { mode: string; options: BenchOptions } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      payouts: { type: 'string' },
      items: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      set: { type: 'string', multiple: true, default: [] },
      profile: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const [mode = '', ...rest] = positionals;
  if (rest.length > 0) throw new Error(`Not understood: ${rest.join(' ')}.`);
  const defaults = defaultsOf(mode) ?? { payouts: 1, rounds: 1 };
  return {
    mode,
    options: {
      payouts: wholeNumber('--items', values.items) ?? wholeNumber('--payouts', values.payouts) ?? defaults.payouts,
      rounds: wholeNumber('--rounds', values.rounds) ?? defaults.rounds,
      only: values.only,
      set: Object.fromEntries(values.set.map(variable)),
      profileDirectory: values.profile ? mkdtempSync(join(tmpdir(), 'cauri-profiles-')) : null,
      json: values.json,
    },
  };
}

function variable(text: string): [string, string] {
  const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new Error(`--set: "${text}" is no NAME=VALUE.`);
  return [name, value];
}

function wholeNumber(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new Error(`${flag}: "${text}" is no whole number above 0.`);
}

/** The names that `--only` asks for; all of them where it asks for none. Throws an Error that names one which is unknown. */
export function askedFor(only: readonly string[], names: readonly string[]): readonly string[] {
  const stranger = only.find((name) => !names.includes(name));
  if (stranger !== undefined) throw new Error(`--only: ${stranger} is none of ${names.join(', ')}.`);
  return only.length === 0 ? names : names.filter((name) => only.includes(name));
}
