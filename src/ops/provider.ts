import { z } from 'zod';

import { findCredential } from '../db/credentials';
import { insertOperatorEvent } from '../db/operator-actions';
import { CHANGE_PIN } from '../db/pin-changes';
import { findRouteCredential } from '../db/routes';
import { ENVIRONMENTS } from '../domain/environment';
import { METHOD_IDS } from '../domain/methods';
import { ProviderError } from '../providers/provider';
import type { AccountOperations, ProviderAccount, ProviderErrorKind } from '../providers/provider';
import { changePin } from './change-pin';
import { registerCallback } from './register-callback';
import { fetchBalance } from './fetch-balance';
import { CommandError, NoRequestLeft, positional, required, requiredOneOf } from './operator';
import type { Command, CommandArgs, OperatorContext } from './operator';
import { spendRequests } from './spend-requests';

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

/** Every action by its word. `event`: what it is called where it is written down. */
const ACTIONS: Readonly<
  Record<
    string,
    { event: string; act: (context: OperatorContext, opened: OpenedForOperator, args: CommandArgs) => Promise<void> }
  >
> = {
  balance: { event: 'provider_balance', act: balance },
  transactions: { event: 'provider_transactions', act: transactions },
  'sandbox-numbers': { event: 'provider_sandbox_numbers', act: sandboxNumbers },
  'register-callback': { event: 'provider_register_callback', act: registerCallback },
  'change-pin': {
    event: CHANGE_PIN,
    act: async (context, opened) => await changePin(context, opened, (await context.readInput()).trim()),
  },
};

/** `provider …`: asks a provider in a merchant's name, and changes its PIN. */
export const providerCommand: Command = {
  usage:
    'provider balance|transactions|sandbox-numbers|change-pin|register-callback --merchant ID --environment sandbox|live --operator orange_sn [--reference REF] [--code 123456 --url https://HOST] [< new-pin]',
  summary: "ask a provider in a merchant's name; change-pin reads the new PIN from standard input",
  async run(context, args) {
    const word = positional(args, 0, 'balance, transactions, sandbox-numbers, change-pin or register-callback');
    const action = ACTIONS[word];
    if (!action) throw new CommandError(`${word} is none of: ${Object.keys(ACTIONS).join(', ')}`);
    const opened = await openForOperator(context, args);
    const tell = (outcome: string, code: string | null = null): Promise<void> =>
      insertOperatorEvent(context.pool, {
        personId: context.personId,
        action: action.event,
        target: opened.id,
        detail: { outcome, code },
      });
    // A change of PIN is told in the transaction that writes its end; other failures come before there is one.
    const tellsItself = action.event === CHANGE_PIN;
    try {
      await action.act(context, opened, args);
      if (!tellsItself) await tell('answered');
    } catch (error) {
      if (error instanceof NoRequestLeft) await tell('no_request_left');
      else if (error instanceof CommandError && !tellsItself) await tell('refused');
      if (!(error instanceof ProviderError)) throw error;
      await tell(error.kind, error.code);
      throw new CommandError(
        `the provider did not answer it (${error.kind}${error.code === null ? '' : `, code ${error.code}`})` +
          (NEXT[error.kind] ?? ''),
      );
    }
  },
};

/** What a refusal means for the calls that follow, where it means something. */
const NEXT: Readonly<Partial<Record<ProviderErrorKind, string>>> = {
  pin: '. This counted as one of its PIN tries; no call leaves with this PIN any more',
  secret_expired: '. It asks for a new PIN: `provider change-pin` sets one, until then no call leaves',
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
  const provider = context.providers[opened.provider][opened.environment];
  // The token's and that of what is asked with it.
  await spendRequests(context, { provider: opened.provider, accountNumber: opened.account.accountNumber }, 2);
  const { value } = await provider.authenticate(opened.account);
  return { token: value, operations: provider.account };
}

async function transactions(context: OperatorContext, opened: OpenedForOperator, args: CommandArgs): Promise<void> {
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
