import { randomBytes } from 'node:crypto';

import { newId } from '../db/ids';
import { insertOperatorEvent } from '../db/operator-actions';
import {
  disableOperatorEndpoint,
  insertOperatorEndpoint,
  listOperatorEndpoints,
  redeliverExhausted,
} from '../db/operator-endpoints';
import { withTransaction } from '../db/transaction';
import { OPERATOR_ALERTS, OPERATOR_TENANT } from '../domain/operator-alert';
import type { OperatorAlertKind } from '../domain/operator-alert';
import { parseWebhookUrl } from '../domain/webhook-url';
import { CommandError, positional } from './operator';
import type { Command, CommandArgs, OperatorContext } from './operator';

const ACTIONS: Readonly<Record<string, (context: OperatorContext, args: CommandArgs) => Promise<void>>> = {
  add,
  list,
  remove,
  redeliver,
};

/** `endpoint …`: where the operator of the installation hears of what needs it, signed as merchants' webhooks are. */
export const endpointCommand: Command = {
  usage: 'endpoint add URL [--events NAME,NAME] | list | remove ID | redeliver ID',
  summary: `your own endpoints, told of: ${OPERATOR_ALERTS.join(', ')}; redeliver sends what was given up once more`,
  async run(context, args) {
    const word = positional(args, 0, 'add, list, remove or redeliver');
    const act = ACTIONS[word];
    if (!act) throw new CommandError(`${word} is none of: ${Object.keys(ACTIONS).join(', ')}`);
    await act(context, args);
  },
};

async function add(context: OperatorContext, args: CommandArgs): Promise<void> {
  const url = parseWebhookUrl(positional(args, 1, 'the URL'), { allowLoopback: context.allowLoopbackWebhooks });
  if (!url.ok) throw new CommandError(`the URL cannot be used: ${url.advice}`);
  const events = parseEvents(args.values['events']);
  const id = newId('we');
  // Standard Webhooks: 24 random bytes in base64 behind `whsec_`.
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const secretEnc = await context.sealing.seal(OPERATOR_TENANT, 'webhook-secret', secret);
  await withTransaction(context.pool, async (trx) => {
    await insertOperatorEndpoint(trx, { id, url: url.url, events, secretEnc });
    const { personId } = context;
    await insertOperatorEvent(trx, { personId, action: 'operator_endpoint_added', target: id, detail: { events } });
  });
  context.print(`added: ${id} is told of ${events.join(', ')}`);
  context.print(`its secret, shown this once: ${secret}`);
}

function parseEvents(given: string | boolean | undefined): readonly OperatorAlertKind[] {
  if (given === undefined) return OPERATOR_ALERTS;
  const names = String(given).split(',');
  const unknown = names.find((name) => !OPERATOR_ALERTS.some((known) => known === name));
  if (unknown !== undefined) throw new CommandError(`--events: ${unknown} is none of ${OPERATOR_ALERTS.join(', ')}`);
  return OPERATOR_ALERTS.filter((known) => names.includes(known));
}

async function list({ pool, print }: OperatorContext): Promise<void> {
  const endpoints = await listOperatorEndpoints(pool);
  if (endpoints.length === 0) print('no endpoint is registered: `endpoint add URL` adds one');
  for (const { id, url, events, undelivered, exhausted } of endpoints) {
    // The path may hold a secret of whoever receives.
    print(`${id}  ${new URL(url).origin}  ${events.join(',')}  ${undelivered} under way, ${exhausted} given up`);
  }
}

async function remove({ pool, print, personId }: OperatorContext, args: CommandArgs): Promise<void> {
  const id = positional(args, 1, "the endpoint's id");
  await withTransaction(pool, async (trx) => {
    if (!(await disableOperatorEndpoint(trx, id)))
      throw new CommandError(`${id} is no endpoint of the operator's in use`);
    await insertOperatorEvent(trx, { personId, action: 'operator_endpoint_removed', target: id });
  });
  print(`removed: ${id}`);
}

async function redeliver({ pool, print, personId }: OperatorContext, args: CommandArgs): Promise<void> {
  const id = positional(args, 1, "the endpoint's id");
  const due = await withTransaction(pool, async (trx) => {
    const count = await redeliverExhausted(trx, id);
    if (count === null) throw new CommandError(`${id} is no endpoint of the operator's in use`);
    await insertOperatorEvent(trx, {
      personId,
      action: 'operator_endpoint_redelivered',
      target: id,
      detail: { count },
    });
    return count;
  });
  print(`due again: ${due} event(s) that were given up`);
}
