import { parseArgs } from 'node:util';

import { BULK_NOTIFY, ON_INVALID } from '../domain/bulk';

export interface Connection {
  key?: string;
  api?: string;
}

export interface SendCommand {
  kind: 'send';
  connection: Connection;
  file: string;
  /** Options of the bulk by their wire names, `dry_run` not among them. */
  options: Readonly<Record<string, string>>;
  dryRun: boolean;
  idempotencyKey?: string;
  result?: string;
  wait: boolean;
  giveUpAfterMs: number;
}

export interface WatchCommand {
  kind: 'watch';
  connection: Connection;
  bulkId: string;
  result?: string;
  giveUpAfterMs: number;
}

/** A person decides about a bulk that another person sent. */
export interface DecideCommand {
  kind: 'approve' | 'refuse';
  connection: Connection;
  bulkId: string;
  /** The file that the person looked at: the decision is about no other content. */
  file?: string;
  reason?: string;
}

export interface ApprovalsCommand {
  kind: 'approvals';
  connection: Connection;
}

export type BulkCommand =
  SendCommand | WatchCommand | DecideCommand | ApprovalsCommand | { kind: 'template' } | { kind: 'help' };

/** Arguments that mean nothing, or that do not go together. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `npm run bulk -- FILE        sends a bulk cash-in (.csv, .ndjson, .jsonl or .json) and watches it to its end
  --dry-run                 only checks it: nothing is held or sent
  --description TEXT        for lines that have none
  --scheduled-at TIME       ISO 8601, such as 2027-01-04T09:00:00Z
  --notify ${BULK_NOTIFY.join('|')}   webhooks of each line, of the whole (default), or none
  --on-invalid ${ON_INVALID.join('|')}  bad lines refuse the whole (default), or are left out
  --allow-duplicates 3,7    lines that may pay the same amount to the same recipient again
  --reference-unique        refuses lines whose reference was used before; without it they are a warning
  --idempotency-key KEY     names this payment for ever; by default made of the file and these options
  --result FILE             where the result goes; FILE.result.csv by default
  --no-wait                 ends when it is accepted
npm run bulk -- --watch bulk_…   watches one that was sent before [--result FILE]
  --give-up-after MINUTES   ends with the result as it is when no line moves for so long; 30 by default, 0: never
npm run bulk -- --template       prints a CSV to fill in

npm run bulk -- approvals        lists the bulks that wait for your approval
npm run bulk -- approve bulk_…   approves one that another person sent [--reason TEXT] [--file FILE]
npm run bulk -- refuse bulk_…    refuses it: nothing of it is sent --reason TEXT [--file FILE]
  --file FILE               the file that you looked at; the decision is refused where the bulk was made of another

  --key KEY                 API key; better in CAURI_API_KEY, which no list of processes shows
  --api URL                 where the API is; better with https

On a machine where \`npm start\` runs, key and URL may be left out.

exit code   0 all paid   2 refused, nothing taken   3 some not paid   4 some in review or unknown
            5 not finished: some still wait, with their reasons   1 trouble
`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;

const FLAGS = {
  ...{ key: text, api: text, description: text, 'scheduled-at': text, notify: text, 'on-invalid': text },
  ...{ 'allow-duplicates': text, 'idempotency-key': text, result: text, watch: text },
  ...{ 'give-up-after': text, file: text, reason: text, 'reference-unique': flag },
  ...{ 'dry-run': flag, 'no-wait': flag, template: flag, help: { ...flag, short: 'h' } },
} as const;

/** Flags by the wire names of the options that they set. */
const OPTIONS = {
  description: 'description',
  scheduled_at: 'scheduled-at',
  notify: 'notify',
  on_invalid: 'on-invalid',
  allow_duplicates: 'allow-duplicates',
} as const;

/** @throws UsageError that names what is wrong. */
export function parseBulkArgs(args: readonly string[]): BulkCommand {
  const { values, positionals } = parsed(args);
  if (values.help || args.length === 0) return { kind: 'help' };
  if (values.template) return { kind: 'template' };
  const connection = present({ key: values.key, api: values.api });
  const result = present({ result: values.result });
  const [word, ...rest] = positionals;
  if (word === 'approvals' && rest.length === 0) return { kind: 'approvals', connection };
  // A file of this name without an id behind it is sent.
  if ((word === 'approve' || word === 'refuse') && rest.length > 0) {
    if (word === 'refuse' && values.reason === undefined) throw new UsageError('refuse: say why with --reason');
    const decision = present({ file: values.file, reason: values.reason });
    return { kind: word, connection, bulkId: onlyBulk(word, rest), ...decision };
  }
  const minutes = values['give-up-after'] ?? '30';
  if (!/^\d{1,5}(\.\d{1,2})?$/.test(minutes)) throw new UsageError('--give-up-after: give minutes, 0 for never');
  const giveUpAfterMs = Number(minutes) === 0 ? Infinity : Number(minutes) * 60_000;
  if (values.watch !== undefined) {
    if (positionals.length > 0) throw new UsageError('--watch takes the id of a bulk and no file');
    return { kind: 'watch', connection, bulkId: onlyBulk('--watch', [values.watch]), giveUpAfterMs, ...result };
  }
  const [file, ...others] = positionals;
  if (file === undefined) throw new UsageError('name the file that is to be sent');
  if (others.length > 0) throw new UsageError(`one file at a time: ${positionals.join(' ')}`);
  oneOf('--notify', values.notify, BULK_NOTIFY);
  oneOf('--on-invalid', values['on-invalid'], ON_INVALID);
  const key = values['idempotency-key'];
  if (key !== undefined && !/^[\u0021-\u007e]{1,255}$/.test(key)) {
    throw new UsageError('--idempotency-key: use 1 to 255 visible ASCII characters without spaces');
  }
  const numbers = values['allow-duplicates'];
  if (numbers !== undefined && !/^\d{1,6}(,\d{1,6})*$/.test(numbers)) {
    throw new UsageError('--allow-duplicates: give numbers of lines apart by commas, such as 3,7');
  }
  return {
    ...{ kind: 'send', connection, file, ...result, ...present({ idempotencyKey: key }) },
    options: present({
      ...Object.fromEntries(Object.entries(OPTIONS).map(([name, of]) => [name, values[of]])),
      reference_unique: values['reference-unique'] ? 'true' : undefined,
    }),
    dryRun: values['dry-run'],
    wait: !values['no-wait'],
    giveUpAfterMs,
  };
}

function onlyBulk(name: string, [id, ...others]: readonly string[]): string {
  if (others.length > 0) throw new UsageError(`${name}: give one id`);
  if (id === undefined || !/^bulk_\w+$/.test(id))
    throw new UsageError(`${name}: "${id ?? ''}" is no id such as bulk_…`);
  return id;
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, strict: true, options: FLAGS });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function oneOf(name: string, value: string | undefined, known: readonly string[]): void {
  if (value !== undefined && !known.includes(value)) throw new UsageError(`${name}: take one of ${known.join(', ')}`);
}

/** Without the members that are not there. */
function present<Value>(values: Readonly<Record<string, Value | undefined>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, Value] => entry[1] !== undefined));
}
