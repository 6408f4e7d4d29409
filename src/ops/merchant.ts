import { setApprovalThresholds } from '../db/operator-actions';
import { parseAmount } from '../domain/money';
import { CommandError, positional, required, requiredMerchant } from './operator';
import type { Command, CommandArgs } from './operator';
import { toCommandError } from './person';

/** `merchant approval`: above how many lines or minor units a bulk needs an approval by a second person. */
export const merchantCommand: Command = {
  usage: 'merchant approval --merchant ID --lines NUMBER|never --total MINOR_UNITS|never [--window HOURS]',
  summary:
    'above either, counted over what one person sent within the window (24 hours), a bulk waits for another person and a single payout is refused; window 0: each bulk alone',
  async run(context, args) {
    if (positional(args, 0, 'approval') !== 'approval') throw new CommandError('only `merchant approval` is known');
    const merchantId = await requiredMerchant(context, args);
    const lines = threshold(args, 'lines');
    const total = threshold(args, 'total');
    if (lines !== null && lines > MOST_LINES) throw new CommandError(`--lines is more than ${MOST_LINES}`);
    const windowHours = args.values['window'] === undefined ? null : Number(required(args, 'window'));
    if (windowHours !== null && !(Number.isInteger(windowHours) && windowHours >= 0 && windowHours <= MOST_HOURS)) {
      throw new CommandError(`--window is not a whole number of hours from 0 to ${MOST_HOURS}`);
    }
    const { pool, personId } = context;
    const thresholds = { lines: lines === null ? null : Number(lines), total, windowHours };
    await toCommandError(() => setApprovalThresholds(pool, { merchantId, ...thresholds, personId }));
    context.print(`approval: bulks of ${merchantId} ${describe(lines, total)}`);
  },
};

/** What the column holds. */
const MOST_LINES = 2_147_483_647n;

/** A month: what one person sends is summed by the minute. */
const MOST_HOURS = 744;

/** Null: never. Zero is a threshold: every bulk is above it. Throws `CommandError`. */
function threshold(args: CommandArgs, name: string): bigint | null {
  const value = required(args, name);
  if (value === 'never') return null;
  if (value === '0') return 0n;
  const parsed = parseAmount(value);
  if (!parsed.ok) throw new CommandError(`--${name} is ${parsed.problem.replaceAll('_', ' ')}: give a number or never`);
  return parsed.amount;
}

function describe(lines: bigint | null, total: bigint | null): string {
  const above = [...(lines === null ? [] : [`${lines} lines`]), ...(total === null ? [] : [`${total} minor units`])];
  return above.length === 0 ? 'need none' : `above ${above.join(' or ')} need one`;
}
