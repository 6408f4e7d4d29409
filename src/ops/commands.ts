import type { ParseArgsConfig } from 'node:util';

import { credentialCommand } from './credential';
import { endpointCommand } from './endpoint';
import { returnCommand, topUpCommand } from './float';
import { floatAlertCommand } from './float-alert';
import { keyCommand } from './key';
import { LOOK_COMMANDS } from './look/commands';
import { merchantCommand } from './merchant';
import type { Command, KeylessCommand } from './operator';
import { breakGlassCommand, personCommand } from './person';
import { providerCommand } from './provider';
import { resolveCommand } from './resolve';
import { reviewsCommand } from './reviews';
import { statementCommand } from './statement';
import { resumeCommand, stopCommand } from './stop-resume';

const text = { type: 'string' } as const;

interface Options {
  options: NonNullable<ParseArgsConfig['options']>;
}

/** What runs without an operator's key. */
export const KEYLESS_COMMANDS: Readonly<Record<string, KeylessCommand & Options>> = {
  'break-glass': { ...breakGlassCommand, options: { name: text, document: text } },
};

/** Every operator's command that acts, by its name, with the options that it knows. */
export const COMMANDS: Readonly<Record<string, Command & Options>> = {
  reviews: { ...reviewsCommand, options: { evidence: text } },
  resolve: { ...resolveCommand, options: { as: text, evidence: text, 'provider-reference': text } },
  'top-up': {
    ...topUpCommand,
    options: { merchant: text, environment: text, currency: text, amount: text, request: text },
  },
  return: { ...returnCommand, options: {} },
  stop: { ...stopCommand, options: { reason: text } },
  resume: { ...resumeCommand, options: {} },
  endpoint: { ...endpointCommand, options: { events: text } },
  'float-alert': {
    ...floatAlertCommand,
    options: { merchant: text, environment: text, currency: text, below: text },
  },
  key: { ...keyCommand, options: {} },
  statement: { ...statementCommand, options: { provider: text, account: text, from: text, to: text } },
  merchant: { ...merchantCommand, options: { merchant: text, lines: text, total: text, window: text } },
  credential: {
    ...credentialCommand,
    options: {
      merchant: text,
      environment: text,
      provider: text,
      operator: text,
      account: text,
      'id-type': text,
      role: text,
      unchecked: { type: 'boolean' },
      override: text,
      consent: text,
    },
  },
  person: {
    ...personCommand,
    options: { name: text, document: text, into: text, merchant: text, environment: text, system: text },
  },
  provider: {
    ...providerCommand,
    options: { merchant: text, environment: text, operator: text, reference: text, code: text, url: text },
  },
};

/** The list that `npm run ops` prints. */
export function describeCommands(): string {
  const linesOf = (commands: readonly { usage: string; summary: string }[]): string =>
    commands.map(({ usage, summary }) => `  ${usage}\n      ${summary}`).join('\n');
  return [
    'npm run ops -- COMMAND   (your operator key in CAURI_OPERATOR_KEY)\n',
    'To look, by the API at CAURI_API_URL:',
    `${linesOf(Object.values(LOOK_COMMANDS))}\n`,
    'To act, with the environment of a worker:',
    `${linesOf(Object.values({ ...COMMANDS, ...KEYLESS_COMMANDS }))}\n`,
  ].join('\n');
}
