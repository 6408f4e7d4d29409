import { insertOperatorEvent } from '../db/operator-actions';
import { withTransaction } from '../db/transaction';
import { CURRENCIES } from '../domain/currency';
import { ENVIRONMENTS } from '../domain/environment';
import { parseAmount } from '../domain/money';
import { CommandError, required, requiredMerchant, requiredOneOf } from './operator';
import type { Command } from './operator';

/** `float-alert`: below how much available float of a merchant the operator is told. */
export const floatAlertCommand: Command = {
  usage: 'float-alert --merchant ID --environment sandbox|live --currency XOF --below MINOR_UNITS|never',
  summary: "tell the operator's endpoints when a merchant's available float is below an amount",
  async run(context, args) {
    const merchantId = await requiredMerchant(context, args);
    const environment = requiredOneOf(args, 'environment', ENVIRONMENTS);
    const currency = requiredOneOf(args, 'currency', CURRENCIES);
    const given = required(args, 'below');
    const below = given === 'never' ? null : parseAmount(given);
    if (below !== null && !below.ok)
      throw new CommandError(`--below is ${below.problem.replaceAll('_', ' ')}: give a number or never`);
    const amount = below === null ? null : below.amount;
    await withTransaction(context.pool, async (trx) => {
      const key = [merchantId, environment, currency];
      if (amount === null)
        await trx.query('delete from float_alerts where merchant_id = $1 and environment = $2 and currency = $3', key);
      else
        await trx.query(
          `insert into float_alerts (merchant_id, environment, currency, below) values ($1, $2, $3, $4)
           on conflict (merchant_id, environment, currency) do update set below = excluded.below`,
          [...key, amount],
        );
      await insertOperatorEvent(trx, {
        personId: context.personId,
        action: 'set_float_alert',
        target: key.join('/'),
        detail: { below: amount?.toString() ?? null },
      });
    });
    context.print(
      amount === null
        ? `float alert: none for ${merchantId}`
        : `float alert: ${merchantId} below ${amount} ${currency}`,
    );
  },
};
