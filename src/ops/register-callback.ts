import { createHash, randomBytes } from 'node:crypto';

import { saveCallback } from '../db/save-callback';
import { CommandError, required } from './operator';
import type { CommandArgs, OperatorContext } from './operator';
import type { OpenedForOperator } from './provider';
import { spendRequests } from './spend-requests';

/**
 * Registers our callback URL at the provider: an unguessable path token and a registered `Authorization` value of ours,
 * both saved before the provider is told. May be repeated; the newest registration counts. A signing secret, where the
 * provider issued one, comes on standard input.
 */
export async function registerCallback(
  context: OperatorContext,
  opened: OpenedForOperator,
  args: CommandArgs,
): Promise<void> {
  const base = required(args, 'url').replace(/\/+$/, '');
  if (!base.startsWith('https://'))
    throw new CommandError('--url must be an https address that the provider can reach');
  const code = required(args, 'code');
  // Before anything is saved: what is saved counts from then on.
  await spendRequests(context, { provider: opened.provider, accountNumber: opened.account.accountNumber }, 2);
  const signingSecret = (await context.readInput()).trim();
  const token = randomBytes(24).toString('base64url');
  const apiKey = randomBytes(24).toString('base64url');
  const secrets = { signingSecret: signingSecret === '' ? null : signingSecret, authorization: apiKey };
  await saveCallback(context.pool, {
    credentialId: opened.id,
    tokenHash: createHash('sha256').update(token).digest(),
    secretsEnc: await context.sealing.seal(opened.merchantId, 'callback-secrets', JSON.stringify(secrets)),
    personId: context.personId,
  });
  const provider = context.providers[opened.provider][opened.environment];
  const { value } = await provider.authenticate(opened.account);
  const callbackUrl = `${base}/callbacks/${opened.provider}/${token}`;
  await provider.account.registerCallback(value, { code, callbackUrl, name: 'cauri', apiKey });
  context.print(`registered: callbacks of ${opened.id} go to ${base}/callbacks/${opened.provider}/…`);
}
