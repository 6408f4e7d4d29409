import type { ParseArgsConfig } from 'node:util';

import { CommandError } from '../operator';
import type { CommandArgs } from '../operator';
import type { OperatorApi } from './operator-api';
import { statusLines } from './status';
import { listsOf, memberLines, tableLines } from './table';
import type { Row } from './table';

/** A command that only reads: it asks the API and needs neither the database nor a key of the vault. */
export interface LookCommand {
  usage: string;
  summary: string;
  options: NonNullable<ParseArgsConfig['options']>;
  run(api: OperatorApi, args: CommandArgs, print: (line: string) => void): Promise<void>;
}

const text = { type: 'string' } as const;

export const LOOK_COMMANDS: Readonly<Record<string, LookCommand>> = {
  status: {
    usage: 'status',
    summary: 'one screen: what needs attention, open payouts and bulks with their age',
    options: {},
    async run(api, _args, print) {
      statusLines(await api.get('operator/status')).forEach(print);
    },
  },
  payouts: {
    usage: 'payouts [po_… | --state STATES --reason CODE --merchant MERCHANT --bulk bulk_… --limit N]',
    summary: 'open payouts of all merchants, the oldest first; one with its submissions and look-ups',
    options: { state: text, reason: text, merchant: text, bulk: text, limit: text },
    run: (api, args, print) =>
      showOneOrList(api, args, print, {
        ...{ path: 'operator/payouts', nothing: 'no payout matches' },
        query: {
          ...filterOf(args, ['state', 'reason', 'limit']),
          merchant_id: word(args, 'merchant'),
          bulk_id: word(args, 'bulk'),
        },
      }),
  },
  bulks: {
    usage: 'bulks [bulk_… | --state STATES --merchant MERCHANT --limit N]',
    summary: 'bulks that are not at rest, the oldest first; one with why its lines are where they are',
    options: { state: text, merchant: text, limit: text },
    run: (api, args, print) =>
      showOneOrList(api, args, print, {
        ...{ path: 'operator/bulks', nothing: 'no bulk matches' },
        query: { ...filterOf(args, ['state', 'limit']), merchant_id: word(args, 'merchant') },
      }),
  },
  reviews: list('reviews', 'open questions with merchant and amount, the oldest first', 'no question is open'),
  gates: list('gates', 'accounts whose PIN is blocked or not proven', 'every gate is open'),
  stops: list('stops', 'stops of sending that stand', 'nothing is stopped'),
  restores: list('restores', 'restores of the database and what they found', 'the database was never restored'),
  webhooks: {
    usage: 'webhooks [po_… | bulk_…]',
    summary: 'endpoints that do not take their events; every attempt at the events of one payout or bulk',
    options: {},
    async run(api, args, print) {
      const [id] = args.positionals;
      const answer =
        id === undefined
          ? await api.get('operator/webhooks')
          : await api.get('webhook-deliveries', id.startsWith('bulk_') ? { bulk_id: id } : { payout_id: id });
      printRows(answer, print, 'every event is delivered or still young');
    },
  },
};

/** The command of this name where it only reads; `reviews close` does not. */
export function findLookCommand(name: string, [first]: readonly string[]): LookCommand | undefined {
  return name === 'reviews' && first === 'close' ? undefined : LOOK_COMMANDS[name];
}

function list(name: string, summary: string, nothing: string): LookCommand {
  return {
    ...{ usage: name, summary, options: {} },
    async run(api, _args, print) {
      printRows(await api.get(`operator/${name}`), print, nothing);
    },
  };
}

async function showOneOrList(
  api: OperatorApi,
  { positionals: [id, ...more] }: CommandArgs,
  print: (line: string) => void,
  listing: { path: string; query: Readonly<Record<string, string | undefined>>; nothing: string },
): Promise<void> {
  if (more.length > 0) throw new CommandError('give one id at a time');
  if (id === undefined) {
    printRows(await api.get(listing.path, listing.query), print, listing.nothing);
    return;
  }
  const row = (await api.get(`${listing.path}/${encodeURIComponent(id)}`)) as Row;
  memberLines(row).forEach(print);
  for (const [name, rows] of listsOf(row)) {
    if (rows.length === 0) continue;
    print('');
    print(`${name.replaceAll('_', ' ')}:`);
    tableLines(rows).forEach((line) => print(`  ${line}`));
  }
}

function printRows(answer: unknown, print: (line: string) => void, nothing: string): void {
  const { data } = answer as { data: readonly Row[] };
  if (data.length === 0) print(nothing);
  else tableLines(data).forEach(print);
}

function filterOf(args: CommandArgs, names: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(names.map((name) => [name, word(args, name)]));
}

function word({ values }: CommandArgs, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}
