import { z } from 'zod';

import { registerByConsent, reserveRegistration } from '../db/credential-registrations';
import { newId } from '../db/ids';
import { saveCredential } from '../db/save-credential';
import type { NewCredential } from '../db/save-credential';
import { ENVIRONMENTS } from '../domain/environment';
import { METHOD_IDS, PROVIDERS } from '../domain/methods';
import { checkCredential, orCommandError } from './check-credential';
import { CommandError, positional, required, requiredMerchant, requiredOneOf } from './operator';
import type { Command } from './operator';

/** What comes on standard input. */
const SECRETS = z.object({
  client_id: z.string().min(1),
  client_secret: z.string().min(1),
  pin: z.string().min(1).max(64),
});

/** `credential set`: saves a merchant's secret set for a provider after one call has shown that it works. */
export const credentialCommand: Command = {
  usage:
    'credential set --merchant ID --environment sandbox|live --provider orange --operator orange_sn --account NUMBER [--id-type MSISDN|CODE] [--role primary|backup] [--unchecked] [--override REASON] [--consent TEXT] < secrets.json',
  summary:
    'save provider credentials ({"client_id","client_secret","pin"} on standard input) after one call has passed',
  async run(context, args) {
    if (positional(args, 0, 'set') !== 'set') throw new CommandError('only `credential set` is known');
    const secrets = parseSecrets(await context.readInput());
    const providerId = requiredOneOf(args, 'provider', PROVIDERS);
    const accountNumber = required(args, 'account');
    const merchantId = await requiredMerchant(context, args);
    const environment = requiredOneOf(args, 'environment', ENVIRONMENTS);
    const idType = args.values['id-type'] === undefined ? 'MSISDN' : requiredOneOf(args, 'id-type', ['MSISDN', 'CODE']);
    const role = args.values['role'] === undefined ? 'primary' : requiredOneOf(args, 'role', ['primary', 'backup']);
    const operator = requiredOneOf(args, 'operator', METHOD_IDS);
    const account = { clientId: secrets.client_id, clientSecret: secrets.client_secret, accountNumber, idType };
    const fingerprint = context.fingerprintPin(providerId, accountNumber, secrets.pin);

    const unchecked = args.values['unchecked'] === true;
    const consent = args.values['consent'] === undefined ? null : required(args, 'consent');
    const override = args.values['override'] === undefined ? null : required(args, 'override');
    const gated = { provider: providerId, environment, accountNumber };
    const registration = { account: gated, merchantId, personId: context.personId, fingerprint, override };
    let gate: NewCredential['gate'] = 'unproven';
    let registrationId: string | undefined;
    if (consent !== null) {
      await orCommandError(() => registerByConsent(context.pool, registration, consent));
      gate = 'kept';
      context.print('no call was made: another merchant holds this account, whose consent is recorded');
    } else if (unchecked) {
      await orCommandError(() => reserveRegistration(context.pool, { ...registration, kind: 'unchecked' }));
    } else {
      const checked = await checkCredential(context, context.providers[providerId][environment], {
        account,
        gated,
        merchantId,
        override,
        pin: secrets.pin,
        fingerprint,
        target: [merchantId, environment, providerId, operator, role].join('/'),
      });
      const { balance } = checked;
      registrationId = checked.registrationId;
      gate = balance ? 'open' : 'rotation_required';
      context.print(
        balance
          ? `checked: the provider answered with a balance of ${balance.amount} ${balance.currency}`
          : 'checked: the PIN is right, and the provider asks for a new one. No call leaves until `provider change-pin` sets it',
      );
    }
    const { sealing } = context;
    const { clientId, clientSecret } = account;
    const sealed = {
      secretEnc: await sealing.seal(merchantId, 'credential', JSON.stringify({ clientId, clientSecret })),
      pinEnc: await sealing.seal(merchantId, 'pin', secrets.pin),
    };
    const credential: NewCredential = {
      id: newId('cred'),
      merchantId,
      environment,
      provider: providerId,
      operator,
      role,
      accountNumber,
      idType,
      ...sealed,
      pinFingerprint: fingerprint,
      gate,
      personId: context.personId,
      ...(registrationId === undefined ? {} : { registrationId }),
    };
    const saved = await orCommandError(() => saveCredential(context.pool, credential));
    context.print(`saved: ${saved.id} (${role}); ${saved.woken} waiting payout(s) are due now`);
  },
};

function parseSecrets(input: string): z.output<typeof SECRETS> {
  let json: unknown;
  try {
    json = JSON.parse(input);
  } catch {
    throw new CommandError('standard input must be JSON with client_id, client_secret and pin');
  }
  const parsed = SECRETS.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new CommandError(
    `standard input: ${parsed.error.issues.map((i) => `${i.path.join('.')} ${i.message}`).join('; ')}`,
  );
}
