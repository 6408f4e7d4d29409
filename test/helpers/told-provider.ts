import { pino } from 'pino';

import type { LineDeps } from '../../src/activities/lines/line-deps';
import { createProviderAccess } from '../../src/activities/provider-access';
import type { ProviderRow } from '../../src/domain/look-up';
import type { Submission } from '../../src/domain/submission';
import { ProviderError } from '../../src/providers/provider';
import type { Provider } from '../../src/providers/provider';
import { createCountingBudget } from './counting-budget';
import { BULK_SETTINGS } from './payout-world';
import type { PayoutWorld } from './payout-world';

/** What the activities work with where some calls of the provider answer as a test says, and the rest is the simulator's. */
export function depsWith(world: PayoutWorld, told: Partial<Provider>): LineDeps {
  const { pool, vault, settings } = world;
  const { orange } = world.providers;
  const budget = createCountingBudget();
  const access = createProviderAccess({
    ...{ pool, budget, sealing: vault },
    providers: { orange: { ...orange, sandbox: { ...orange.sandbox, ...told } } },
    fingerprintPin: (provider, account, pin) => vault.fingerprintPin(provider, account, pin),
  });
  return { pool, access, budget, settings, bulks: BULK_SETTINGS, logger: pino({ level: 'silent' }) };
}

/** The row of a submission at the provider, as it was sent. */
export function rowOf(
  world: PayoutWorld,
  submission: Pick<Submission, 'id' | 'amount' | 'accountNumber'>,
  recipient: string,
  status: ProviderRow['status'],
): ProviderRow {
  return {
    providerReference: `MP-${submission.id}`,
    reference: submission.id,
    status,
    amount: submission.amount,
    currency: 'XOF',
    recipient: world.providers.orange.sandbox.spellRecipient(recipient),
    partner: submission.accountNumber,
    words: { code: null, text: null },
  };
}

/** A pass that the provider cuts. */
export const CUT = 'cut';

export interface Passes {
  /** Answers with the next pass. */
  next: () => Promise<readonly ProviderRow[]>;
  /** Passes that were asked for. */
  asked: () => number;
}

/** Passes over the provider's rows in their order; the last one stands for all that come after it. */
export function passesOf(passes: readonly (readonly ProviderRow[] | typeof CUT)[]): Passes {
  let asked = 0;
  return {
    next: () => {
      const pass = passes[Math.min(asked, passes.length - 1)] ?? [];
      asked += 1;
      return pass === CUT ? Promise.reject(new ProviderError('unreachable', 'cut')) : Promise.resolve(pass);
    },
    asked: () => asked,
  };
}
