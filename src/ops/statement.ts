import { readFile } from 'node:fs/promises';

import { importStatement } from '../db/import-statement';
import type { StatementEffect } from '../db/import-statement';
import { insertOperatorEvent } from '../db/operator-actions';
import { PROVIDERS } from '../domain/methods';
import { parseStatement } from './parse-statement';
import { CommandError, positional, requiredOneOf } from './operator';
import type { Command } from './operator';

const MEANING: Readonly<Partial<Record<StatementEffect, string>>> = {
  to_confirm: '  (a refusal alone fails nothing: the provider is asked now)',
  for_people: '  (a refusal of a payout in review: see `reviews`)',
};

/** `statement import FILE`: each line is a look-up by a document of the provider. */
export const statementCommand: Command = {
  usage: 'statement import FILE --provider orange',
  summary: 'read a provider statement (CSV: reference, transaction_id, amount, currency, recipient, status, time)',
  async run(context, args) {
    if (positional(args, 0, 'import') !== 'import') throw new CommandError('only `statement import` is known');
    const provider = requiredOneOf(args, 'provider', PROVIDERS);
    const file = await readFile(positional(args, 1, 'the file')).catch((error: unknown) => {
      throw new CommandError(`the file cannot be read: ${(error as Error).message}`);
    });
    const statement = parseStatement(file);
    // A statement may write numbers as the provider does, or in full.
    const spell = (recipient: string): string =>
      recipient.startsWith('+') ? context.providers[provider].live.spellRecipient(recipient) : recipient;
    const { personId, watchMs } = context;
    const effects = await importStatement(context, { ...statement, provider, spell, personId, watchMs });
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
