import { parseArgs } from 'node:util';

export interface ProveOptions {
  payouts: number;
  seed: number;
  /** Kills that must hit a process with at least `openAtKill` payouts under way. */
  kills: number;
  openAtKill: number;
  /** One JSON object as the last line. */
  json: boolean;
  /** Keep databases and logs, and say where they are. */
  keep: boolean;
}

const DEFAULTS = { payouts: 300, seed: 1, kills: 10, openAtKill: 20 };

/** @throws Error that names a flag that does not exist or a value that is none. */
export function parseProveFlags(args: readonly string[]): ProveOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      payouts: { type: 'string' },
      seed: { type: 'string' },
      kills: { type: 'string' },
      'open-at-kill': { type: 'string' },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  const number = (name: string, text: string | undefined, otherwise: number): number => {
    if (text === undefined) return otherwise;
    if (!/^\d{1,6}$/.test(text)) throw new Error(`--${name}: "${text}" is no whole number`);
    return Number(text);
  };
  return {
    payouts: number('payouts', values.payouts, DEFAULTS.payouts),
    seed: number('seed', values.seed, DEFAULTS.seed),
    kills: number('kills', values.kills, DEFAULTS.kills),
    openAtKill: number('open-at-kill', values['open-at-kill'], DEFAULTS.openAtKill),
    json: values.json,
    keep: values.keep,
  };
}
