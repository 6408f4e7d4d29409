import { readFile } from 'node:fs/promises';

import { importStatement } from '../db/import-statement';
import type { StatementEffect } from '../db/import-statement';
import { insertOperatorEvent } from '../db/operator-actions';
import { isKnownAccount, StatementRefused } from '../db/statements';
import { PROVIDERS } from '../domain/methods';
import { parseStatement } from './parse-statement';
import type { StatementLine } from '../domain/statement';
import { CommandError, positional, required, requiredOneOf } from './operator';
import type { Command, CommandArgs } from './operator';

const MEANING: Readonly<Partial<Record<StatementEffect, string>>> = {
  to_confirm:
    '  (the provider is asked now; a success that it does not confirm settles when another operator imports this file)',
  for_people: '  (a refusal of a payout in review: see `reviews`)',
};

/** `statement import FILE`: what a document of the provider says of one account and period. */
export const statementCommand: Command = {
  usage: 'statement import FILE --provider orange --account NUMBER --from YYYY-MM-DD --to YYYY-MM-DD',
  summary: 'read a provider statement (CSV: reference, transaction_id, amount, currency, recipient, status, time)',
  async run(context, args) {
    if (positional(args, 0, 'import') !== 'import') throw new CommandError('only `statement import` is known');
    const provider = requiredOneOf(args, 'provider', PROVIDERS);
    const file = await readFile(positional(args, 1, 'the file')).catch((error: unknown) => {
      throw new CommandError(`the file cannot be read: ${(error as Error).message}`);
    });
    const statement = parseStatement(file);
    const accountNumber = required(args, 'account');
    if (!(await isKnownAccount(context.pool, provider, accountNumber))) {
      throw new CommandError(`--account ${accountNumber} is no account of ours at ${provider}`);
    }
    const period = { from: dayOf(args, 'from'), to: new Date(dayOf(args, 'to').getTime() + DAY_MS) };
    assertWithin(statement.lines, period);
    // A statement may write numbers as the provider does, or in full.
    const spell = (recipient: string): string =>
      recipient.startsWith('+') ? context.providers[provider].live.spellRecipient(recipient) : recipient;
    const { personId, keyId, watchMs } = context;
    const head = { provider, accountNumber, period, keyId };
    const effects = await importStatement(context, { ...statement, ...head, spell, personId, watchMs }).catch(
      (error: unknown) => {
        throw error instanceof StatementRefused ? new CommandError(error.message) : error;
      },
    );
    const name = statement.hash.toString('hex').slice(0, 12);
    await insertOperatorEvent(context.pool, {
      personId,
      action: 'statement_import',
      target: `${provider}/${name}`,
      detail: { lines: statement.lines.length, effects: Object.fromEntries(effects) },
    });
    for (const [effect, count] of effects) {
      context.print(`${String(count).padStart(6)}  ${effect}${MEANING[effect] ?? ''}`);
    }
    context.print(`imported: ${statement.lines.length} line(s), file ${name}`);
  },
};

const DAY_MS = 86_400_000;

/** Midnight UTC of a day that is named as in a calendar. */
function dayOf(args: CommandArgs, name: string): Date {
  const text = required(args, name);
  const day = new Date(`${text}T00:00:00Z`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text) {
    throw new CommandError(`--${name} ${text} is no day: write it as 2026-11-30`);
  }
  return day;
}

/** One line outside of the period, or of the future, refuses the whole statement. */
function assertWithin(lines: readonly StatementLine[], { from, to }: { from: Date; to: Date }): void {
  const latest = Math.min(to.getTime() - 1, Date.now() + 5 * 60_000);
  const outside = lines.filter(({ time }) => time.getTime() < from.getTime() || time.getTime() > latest);
  if (outside.length === 0) return;
  const named = outside.slice(0, 20).map(({ line, time }) => `line ${line}: ${time.toISOString()}`);
  throw new CommandError(
    `nothing was imported: ${outside.length} line(s) lie outside of the period, or in the future:\n${named.join('\n')}`,
  );
}
