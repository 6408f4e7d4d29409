import { createProviderAccess } from '../../src/activities/provider-access';
import type { ProviderAccess } from '../../src/activities/provider-access';
import { createRequestBudget } from '../../src/activities/request-budget';
import type { Providers } from '../../src/providers/registry';
import { ACCOUNT, createPayoutWorld, PIN } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';

/** Each client may use its own account only, so that the provider refuses a call that mixes them. */
const OLD = { clientId: 'sandbox-client', clientSecret: 'sandbox-secret', retailerCodes: ['123456'] };
const NEW = { clientId: 'new-client', clientSecret: 'new-secret', retailerCodes: ['654321'] };
const NEW_ACCOUNT = '782345678';
const NEW_CLIENT = { clientId: NEW.clientId, clientSecret: NEW.clientSecret, accountNumber: NEW_ACCOUNT };

/** The client that the simulator issued a token to. */
function clientOf(token: string): unknown {
  const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sub: unknown };
  return claims.sub;
}

/** What another process has: nothing in memory. */
function accessOf(world: PayoutWorld, providers: Providers = world.providers): ProviderAccess {
  const { pool, vault } = world;
  return createProviderAccess({
    ...{ pool, providers, sealing: vault },
    fingerprintPin: (provider, account, pin) => vault.fingerprintPin(provider, account, pin),
    budget: createRequestBudget({ pool, requestsPerMinute: null, patienceMs: 1_000 }),
  });
}

function createDoor(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}

describe('a credential that is replaced', () => {
  let world: PayoutWorld;

  beforeEach(async () => {
    world = await createPayoutWorld({
      simulator: {
        clients: [OLD, NEW],
        accounts: [
          { msisdn: ACCOUNT, code: '123456', pin: PIN, float: 1_000_000 },
          { msisdn: NEW_ACCOUNT, code: '654321', pin: PIN, float: 1_000_000 },
        ],
      },
    });
  });
  afterEach(() => world.close());

  test('pays with a token of the new client, though a running worker holds a good one of the old', async () => {
    await world.startWorkers();
    const before = await world.accept();
    await world.startRun(before);
    await world.untilState(before, 'succeeded');

    await world.saveCredential(PIN, 'open', NEW_CLIENT);
    const after = await world.accept();
    await world.startRun(after);
    expect(await world.untilState(after, 'succeeded', 'failed', 'unknown')).toMatchObject({ state: 'succeeded' });
    expect(world.simulator.ledger().balances).toMatchObject({ [ACCOUNT]: 999_000, [NEW_ACCOUNT]: 999_000 });
  });

  test.each([
    ['the first', 0],
    ['a later', 1],
  ])('gets nothing of %s renewal that is under way for the old client, and waits for none', async (_, tokens) => {
    for (let token = 0; token < tokens; token += 1) {
      const access = accessOf(world);
      await access.token(await access.open(world.credentialId), { leastLifeMs: 0 });
    }
    const [asked, answered] = [createDoor(), createDoor()];
    const { orange } = world.providers;
    const slow = accessOf(world, {
      orange: {
        ...orange,
        sandbox: {
          ...orange.sandbox,
          authenticate: async (account) => {
            const token = await orange.sandbox.authenticate(account);
            asked.open();
            await answered.opened;
            return token;
          },
        },
      },
    });
    const replaced = await slow.open(world.credentialId);
    const renewal = slow.token(replaced, { leastLifeMs: 0, afterVersion: tokens === 0 ? 0 : 2 });
    await asked.opened;

    await world.saveCredential(PIN, 'open', NEW_CLIENT);
    const access = accessOf(world);
    const fresh = await access.token(await access.open(world.credentialId), { leastLifeMs: 0 });
    expect(clientOf(fresh.value)).toBe('new-client');

    answered.open();
    await expect(renewal).rejects.toMatchObject({ kind: 'token' });
    for (const process of [slow, accessOf(world)]) {
      expect(await process.token(await process.open(world.credentialId), { leastLifeMs: 0 })).toMatchObject({
        value: fresh.value,
        version: fresh.version,
      });
    }
    await expect(accessOf(world).token(replaced, { leastLifeMs: 0 })).rejects.toMatchObject({ kind: 'token' });
  });

  test('is used with a token that outlives the call, and not with one that was refused', async () => {
    const access = accessOf(world);
    const credential = await access.open(world.credentialId);
    const first = await access.token(credential, { leastLifeMs: 0 });
    expect((await access.token(credential, { leastLifeMs: 0 })).version).toBe(first.version);

    const afterRefusal = await access.token(credential, { leastLifeMs: 0, afterVersion: first.version });
    expect(afterRefusal.version).toBe(first.version + 1);

    const longer = afterRefusal.expiresAt - Date.now() + 60_000;
    expect((await access.token(credential, { leastLifeMs: longer })).version).toBe(first.version + 2);
  });
});
