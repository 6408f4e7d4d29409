import { parseArgs } from 'node:util';

export const BULK_PATHS = ['lines', 'native'] as const;

/** How the lines of a bulk leave; ORANGE_BULK. */
export type BulkPath = (typeof BULK_PATHS)[number];

export interface ProveOptions {
  /** Single payouts; with `bulk` none. */
  payouts: number;
  /** Lines of bulks, as many of them by each path; null: single payouts. */
  bulk: number | null;
  /** The paths that bulks take. */
  paths: readonly BulkPath[];
  seed: number;
  /** Kills, as many of them by each path of bulks, that must hit a process with at least `openAtKill` payouts under way. */
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
      bulk: { type: 'string' },
      path: { type: 'string' },
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
  if (values.bulk !== undefined && values.payouts !== undefined) {
    throw new Error('--bulk and --payouts: give one of them');
  }
  const path = BULK_PATHS.find((name) => name === values.path);
  if (values.path !== undefined && path === undefined) throw new Error(`--path: give ${BULK_PATHS.join(' or ')}`);
  return {
    paths: path === undefined ? BULK_PATHS : [path],
    bulk: values.bulk === undefined ? null : number('bulk', values.bulk, 0),
    payouts: number('payouts', values.payouts, DEFAULTS.payouts),
    seed: number('seed', values.seed, DEFAULTS.seed),
    kills: number('kills', values.kills, DEFAULTS.kills),
    openAtKill: number('open-at-kill', values['open-at-kill'], DEFAULTS.openAtKill),
    json: values.json,
    keep: values.keep,
  };
}
