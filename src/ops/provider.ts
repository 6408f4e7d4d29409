import { z } from 'zod';

import { findCredential } from '../db/credentials';
import { findRouteCredential } from '../db/routes';
import { ENVIRONMENTS } from '../domain/environment';
import { METHOD_IDS } from '../domain/methods';
import { ProviderError } from '../providers/provider';
import type { AccountOperations, ProviderAccount } from '../providers/provider';
import { changePin } from './change-pin';
import { registerCallback } from './register-callback';
import { fetchBalance } from './fetch-balance';
import { CommandError, positional, required, requiredOneOf } from './operator';
import type { Command, CommandArgs, OperatorContext } from './operator';

const CREDENTIALS = z.object({ clientId: z.string(), clientSecret: z.string() });

/** A credential opened for one operator's command. */
export interface OpenedForOperator {
  id: string;
  merchantId: string;
  environment: (typeof ENVIRONMENTS)[number];
  provider: 'orange';
  account: ProviderAccount;
  pin: string;
}

/** `provider …`: asks a provider in a merchant's name, and changes its PIN. */
export const providerCommand: Command = {
  usage:
    'provider balance|transactions|sandbox-numbers|change-pin|register-callback --merchant ID --environment sandbox|live --operator orange_sn [--reference REF] [--code 123456 --url https://HOST] [< new-pin]',
  summary: "ask a provider in a merchant's name; change-pin reads the new PIN from standard input",
  async run(context, args) {
    const action = positional(args, 0, 'balance, transactions, sandbox-numbers, change-pin or register-callback');
    const opened = await openForOperator(context, args);
    try {
      switch (action) {
        case 'balance':
          await balance(context, opened);
          return;
        case 'transactions':
          await transactions(context, args, opened);
          return;
        case 'sandbox-numbers':
          await sandboxNumbers(context, opened);
          return;
        case 'register-callback':
          await registerCallback(context, args, opened);
          return;
        case 'change-pin':
          await changePin(context, opened, (await context.readInput()).trim());
          return;
        default:
          throw new CommandError(
            `${action} is none of: balance, transactions, sandbox-numbers, change-pin, register-callback`,
          );
      }
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      throw new CommandError(
        `the provider did not answer it (${error.kind}${error.code === null ? '' : `, code ${error.code}`})` +
          (error.kind === 'pin' ? '. This counted as one of its PIN tries; no call leaves with this PIN any more' : ''),
      );
    }
  },
};

async function openForOperator(context: OperatorContext, args: CommandArgs): Promise<OpenedForOperator> {
  const route = {
    merchantId: required(args, 'merchant'),
    environment: requiredOneOf(args, 'environment', ENVIRONMENTS),
    operator: requiredOneOf(args, 'operator', METHOD_IDS),
  };
  const credentialId = await findRouteCredential(context.pool, route);
  if (credentialId === null)
    throw new CommandError('this merchant has no credential for it: `credential set` saves one');
  const credential = await findCredential(context.pool, credentialId);
  const { merchantId } = credential;
  const secret = CREDENTIALS.parse(
    JSON.parse(await context.sealing.open(merchantId, 'credential', credential.secretEnc)),
  );
  return {
    id: credential.id,
    merchantId,
    environment: credential.environment,
    provider: credential.provider,
    account: { ...secret, accountNumber: credential.accountNumber, idType: credential.idType },
    pin: await context.sealing.open(merchantId, 'pin', credential.pinEnc),
  };
}

async function balance(context: OperatorContext, opened: OpenedForOperator): Promise<void> {
  const { amount, currency } = await fetchBalance(context, opened);
  context.print(`balance at ${opened.provider}: ${amount} ${currency}`);
}

async function asked(
  context: OperatorContext,
  opened: OpenedForOperator,
): Promise<{ token: string; operations: AccountOperations }> {
  const provider = context.providers[opened.provider];
  const { value } = await provider.authenticate(opened.account);
  return { token: value, operations: provider.account };
}

async function transactions(context: OperatorContext, args: CommandArgs, opened: OpenedForOperator): Promise<void> {
  const { token, operations } = await asked(context, opened);
  const reference = args.values['reference'];
  const rows = await operations.searchTransactions(token, typeof reference === 'string' ? { reference } : {});
  context.print(`${rows.length} transaction(s)`);
  for (const row of rows) {
    context.print(`${row.providerReference}  ${row.status}  ${row.amount} ${row.currency}  ${row.reference ?? '–'}`);
  }
}

async function sandboxNumbers(context: OperatorContext, opened: OpenedForOperator): Promise<void> {
  if (opened.environment !== 'sandbox') throw new CommandError('sandbox numbers belong to the sandbox environment');
  const { token, operations } = await asked(context, opened);
  for (const number of await operations.fetchSandboxNumbers(token)) {
    context.print(`${number.msisdn}  ${number.type ?? '–'}`);
  }
}
