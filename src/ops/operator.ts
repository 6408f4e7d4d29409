import type { Logger } from 'pino';
import type { Pool } from 'pg';

import { merchantExists } from '../db/webhook-endpoints-admin';
import type { Environment } from '../domain/environment';
import type { ProviderId } from '../domain/methods';
import type { Sealing } from '../domain/sealing';
import type { Provider } from '../providers/provider';

/** What an operator's command works with. The person is the one whose key was given; no command takes a person's name. */
export interface OperatorContext {
  pool: Pool;
  sealing: Sealing;
  fingerprintPin: (provider: string, accountNumber: string, pin: string) => Buffer;
  providers: Readonly<Record<ProviderId, Readonly<Record<Environment, Provider>>>>;
  /** Requests in an account's name, shared with all workers; `spend` throws `ProviderError` where none is left. */
  budget: { spend(account: { provider: string; accountNumber: string }): Promise<void> };
  personId: string;
  /** The key's id: votes are written under it. */
  keyId: string;
  logger: Logger;
  settlementWindowMs: number;
  sendByMarginMs: number;
  /** Milliseconds for which look-ups go on after a payout failed. */
  watchMs: number;
  /** Development only: plain HTTP to this machine. */
  allowLoopbackWebhooks: boolean;
  /** Secrets come on standard input, never on the command line, where every process of the machine can read them. */
  readInput: () => Promise<string>;
  print: (line: string) => void;
}

/** The command could not be carried out; the message says what to change. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** The account's requests are all in use: nothing was asked. */
export class NoRequestLeft extends CommandError {}

export interface Command {
  /** How it is called, after `npm run ops --`. */
  usage: string;
  summary: string;
  run(context: OperatorContext, args: CommandArgs): Promise<void>;
}

/** A command that runs without an operator's key. */
export interface KeylessCommand extends Omit<Command, 'run'> {
  run(context: Pick<OperatorContext, 'pool' | 'print'>, args: CommandArgs): Promise<void>;
}

export interface CommandArgs {
  positionals: readonly string[];
  values: Readonly<Record<string, string | boolean | undefined>>;
}

/** A value that the command cannot do without. Throws `CommandError`. */
export function required(args: CommandArgs, name: string): string {
  const value = args.values[name];
  if (typeof value !== 'string' || value === '') throw new CommandError(`--${name} is missing`);
  return value;
}

/** The merchant named by `--merchant`. Throws `CommandError` where there is none. */
export async function requiredMerchant({ pool }: OperatorContext, args: CommandArgs): Promise<string> {
  const merchantId = required(args, 'merchant');
  if (!(await merchantExists(pool, merchantId))) throw new CommandError(`there is no merchant ${merchantId}`);
  return merchantId;
}

/** One of a closed set. Throws `CommandError` that lists it. */
export function requiredOneOf<T extends string>(args: CommandArgs, name: string, allowed: readonly T[]): T {
  const value = required(args, name);
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw new CommandError(`--${name} must be one of: ${allowed.join(', ')}`);
  return found;
}

/** The positional argument with this index. Throws `CommandError`. */
export function positional(args: CommandArgs, index: number, name: string): string {
  const value = args.positionals[index];
  if (value === undefined || value === '') throw new CommandError(`${name} is missing`);
  return value;
}
