import { createHash } from 'node:crypto';

import { parse } from 'csv-parse/sync';
import { z } from 'zod';

import { parseAmount } from '../domain/money';
import type { StatementLine } from '../domain/statement';
import { CommandError } from './operator';

const ROW = z.object({
  reference: z.string().min(1),
  transaction_id: z.string().min(1),
  amount: z.string().transform((text, context) => {
    const parsed = parseAmount(text);
    if (parsed.ok) return parsed.amount;
    context.addIssue({ code: 'custom', message: `is ${parsed.problem.replaceAll('_', ' ')}` });
    return z.NEVER;
  }),
  currency: z.string().length(3),
  recipient: z.string().min(1),
  status: z.enum(['success', 'failed', 'in_flight']),
  time: z.coerce.date(),
});

/** Reads a whole statement; one bad line refuses it all, with every problem listed. Throws `CommandError`. */
export function parseStatement(file: Buffer): { hash: Buffer; lines: readonly StatementLine[] } {
  const rows = read(file);
  if (rows.length === 0) throw new CommandError('the file holds no line below its header');
  const problems: string[] = [];
  const lines = rows.flatMap((row, index) => {
    const parsed = ROW.safeParse(row);
    if (parsed.success) {
      const { transaction_id: transactionId, ...rest } = parsed.data;
      return [{ ...rest, transactionId, line: index + 1 }];
    }
    problems.push(
      ...parsed.error.issues.map((issue) => `line ${index + 1}, ${issue.path.join('.')}: ${issue.message}`),
    );
    return [];
  });
  if (problems.length > 0) throw new CommandError(`nothing was imported:\n${problems.join('\n')}`);
  return { hash: createHash('sha256').update(file).digest(), lines };
}

function read(file: Buffer): readonly Record<string, string>[] {
  try {
    return parse(file, { columns: true, bom: true, trim: true, skip_empty_lines: true, delimiter: [',', ';'] });
  } catch (error) {
    throw new CommandError(`the file is no CSV with a header row: ${(error as Error).message}`);
  }
}
