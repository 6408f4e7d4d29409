import { MockActivityEnvironment } from '@temporalio/testing';

import { newId } from '../../src/db/ids';
import { topUpFloat } from '../../src/db/operator-actions';
import { saveCredential } from '../../src/db/save-credential';
import { createProviders } from '../../src/providers/registry';
import { createOrangeSimulator } from '../../src/simulators/orange';
import type { OrangeSimulator } from '../../src/simulators/orange';
import { createPayoutWorld, FLOAT, PIN } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { createWorkerProcess } from '../races/worker-process';

/** Another than the sandbox's: both simulators name their transactions alike. */
const LIVE_ACCOUNT = '782000001';

let world: PayoutWorld;
let live: OrangeSimulator;

beforeAll(async () => {
  [world, live] = await Promise.all([createPayoutWorld(), createOrangeSimulator({ rateLimitPerMinute: null })]);
  live.putAccount({ msisdn: LIVE_ACCOUNT, code: '200001', type: 'retailer', pin: PIN, float: 1_000_000 });
});
afterAll(() => Promise.all([world.close(), live.close()]));

async function saveLiveCredential(): Promise<string> {
  const { vault, merchantId } = world;
  const secret = JSON.stringify({ clientId: 'sandbox-client', clientSecret: 'sandbox-secret' });
  const { id } = await saveCredential(world.pool, {
    ...{
      id: newId('cred'),
      merchantId,
      environment: 'live',
      provider: 'orange',
      operator: 'orange_sn',
      role: 'primary',
    },
    ...{ accountNumber: LIVE_ACCOUNT, idType: 'MSISDN', gate: 'open', personId: 'per_one' },
    secretEnc: await vault.seal(merchantId, 'credential', secret),
    pinEnc: await vault.seal(merchantId, 'pin', PIN),
    pinFingerprint: vault.fingerprintPin('orange', LIVE_ACCOUNT, PIN),
  });
  return id;
}

function seen({ requests }: Pick<OrangeSimulator, 'requests'>): number {
  const { pinBearing, pinFree } = requests();
  return pinBearing + pinFree;
}

test('the calls of a payout go to the host of its environment, and none to the other', async () => {
  const { pool, merchantId } = world;
  const float = { merchantId, environment: 'live', currency: 'XOF', amount: FLOAT } as const;
  await topUpFloat(pool, { ...float, requestId: 'live', personId: 'per_one' });
  const orange = { baseUrls: { sandbox: world.simulator.url, live: live.url } };
  const activities = createWorkerProcess(world, createProviders({ orange }));
  const pay = async (payoutId: string): Promise<void> => {
    await activities.authenticate({ payoutId, attempt: 1 });
    await activities.encryptPin({ payoutId, attempt: 1 });
    await new MockActivityEnvironment().run(() => activities.submitPayout({ payoutId, attempt: 1, tokenVersion: 1 }));
    expect((await world.payout(payoutId)).state).toBe('succeeded');
  };

  const credentialId = await saveLiveCredential();
  await pay(await world.accept({ environment: 'live', by: { merchantId, credentialId } }));
  expect([seen(world.simulator), live.ledger().credits.length]).toEqual([0, 1]);

  const seenLive = seen(live);
  await pay(await world.accept());
  expect([seen(live), world.simulator.ledger().credits.length]).toEqual([seenLive, 1]);
});
