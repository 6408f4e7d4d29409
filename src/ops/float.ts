import { randomUUID } from 'node:crypto';

import { returnPayout, topUpFloat } from '../db/operator-actions';
import { CURRENCIES } from '../domain/currency';
import { ENVIRONMENTS } from '../domain/environment';
import { parseAmount } from '../domain/money';
import { CommandError, positional, required, requiredMerchant, requiredOneOf } from './operator';
import type { Command } from './operator';
import { toCommandError } from './person';

/** `top-up`: adds to a merchant's float after the money has arrived. */
export const topUpCommand: Command = {
  usage: 'top-up --merchant ID --environment sandbox|live --currency XOF --amount MINOR_UNITS [--request ID]',
  summary: "add to a merchant's float; the same --request books once",
  async run(context, args) {
    const parsed = parseAmount(required(args, 'amount'));
    if (!parsed.ok) throw new CommandError(`--amount is ${parsed.problem.replaceAll('_', ' ')}: give minor units`);
    const request = args.values['request'];
    const requestId = typeof request === 'string' ? request : randomUUID();
    const topUp = {
      merchantId: await requiredMerchant(context, args),
      environment: requiredOneOf(args, 'environment', ENVIRONMENTS),
      currency: requiredOneOf(args, 'currency', CURRENCIES),
      amount: parsed.amount,
    };
    const booked = await toCommandError(() =>
      topUpFloat(context.pool, { ...topUp, requestId, personId: context.personId }),
    );
    context.print(
      booked
        ? `topped up: ${topUp.amount} ${topUp.currency} for ${topUp.merchantId} (${topUp.environment}), request ${requestId}`
        : `nothing done: request ${requestId} was booked before`,
    );
  },
};

/** `return`: the money of a succeeded payout came back. */
export const returnCommand: Command = {
  usage: 'return PAYOUT',
  summary: 'the money of a succeeded payout came back: credit the float again',
  async run(context, args) {
    const payoutId = positional(args, 0, 'the payout id');
    const payout = await toCommandError(() => returnPayout(context.pool, { payoutId, personId: context.personId }));
    context.print(`returned: ${payout.id}, ${payout.amount} ${payout.currency} are available again`);
  },
};
