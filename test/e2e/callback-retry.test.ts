import { randomUUID } from 'node:crypto';

import { createApiKey } from '../../src/db/api-keys';
import { checkLateAtOnce } from '../../src/db/late-checks';
import { createOperatorsDesk } from '../ops/operators-desk';
import { createDocumentedFetch } from '../helpers/documented-fetch';
import type { DocumentedFetch } from '../helpers/documented-fetch';
import { eventually } from '../helpers/eventually';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { startProduct } from '../helpers/product';
import type { ProductProcess } from '../helpers/product';

const HOST = 'callbacks.cauri.test';
const SIGNING_SECRET = 'issued-by-the-provider';

describe('callbacks, retry and late credits, over the product’s processes', () => {
  let world: PayoutWorld;
  let api: ProductProcess;
  let worker: ProductProcess;
  let key: string;
  let fetchApi: DocumentedFetch;

  beforeAll(async () => {
    world = await createPayoutWorld({
      simulator: { callbacks: { enabled: true, secret: SIGNING_SECRET }, settlementDelayMs: 3_000 },
    });
    ({ key } = await createApiKey(world.pool, {
      role: 'merchant',
      merchantId: world.merchantId,
      environment: 'sandbox',
      subject: { kind: 'system', systemId: 'sys_test', responsiblePersonId: 'per_shop' },
    }));
    // Polling so rarely that only a callback can bring the news in the time of a test.
    const env = { ...world.env, POLL_FIRST_MS: '60000', POLL_MAX_MS: '60000' };
    worker = startProduct('worker', env);
    api = startProduct('api', env);
    const url = `http://127.0.0.1:${await api.port()}`;
    fetchApi = await createDocumentedFetch(url);
    await worker.port();
    world.simulator.configure({ httpsHostMap: { [HOST]: url } });
    const registered = await createOperatorsDesk(world).run(
      'provider',
      `register-callback --merchant ${world.merchantId} --environment sandbox --operator orange_sn --code 123456 --url https://${HOST}`,
      { input: SIGNING_SECRET },
    );
    expect(registered.refused).toBeNull();
  }, 90_000);

  afterAll(async () => {
    await api.kill();
    await worker.kill();
    await world.close();
  });

  async function call(method: string, path: string, body?: unknown): Promise<Response> {
    return await fetchApi(path, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async function accept(recipient: string): Promise<string> {
    const answer = await call('POST', '/v1/payouts', {
      amount: '1000',
      currency: 'XOF',
      description: 'wages',
      method: 'orange_sn',
      recipient: { msisdn: recipient },
      customer: { email: 'awa@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
    });
    expect(answer.status).toBe(202);
    return ((await answer.json()) as { id: string }).id;
  }

  test('a signed callback makes the run ask at once, and one look-up settles it', async () => {
    const recipient = world.recipientOf('default');
    const id = await accept(recipient);
    await world.untilState(id, 'pending');
    await world.untilState(id, 'succeeded');
    await eventually('its callback was heard', async () => {
      const { rows } = await world.pool.query(
        "select 1 from callbacks where claim = 'success' and applied_at is not null",
      );
      return rows.length > 0;
    });
    const { rows: events } = await world.pool.query<{ evidence: string }>(
      `select evidence from payout_events where payout_id = $1 and to_state = 'succeeded'`,
      [id],
    );
    expect(events[0]?.evidence).toMatch(/^lookup:lu_/);
    expect(await world.credited(recipient)).toBe(1_000n);
  });

  test('a forged callback is refused and changes nothing', async () => {
    const answer = await fetchApi(`/callbacks/orange/${randomUUID()}`, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(404);
  });

  test('a failed payout is retried with a new attempt and a new hold after its references were looked up', async () => {
    const recipient = world.recipientOf('customer_unknown');
    const id = await accept(recipient);
    await world.untilState(id, 'failed');
    const before = await world.payout(id);
    const wrong = await call('POST', `/v1/payouts/${id}/retry`, { expected_attempt: before.attempt + 7 });
    expect(wrong.status).toBe(409);
    const answer = await call('POST', `/v1/payouts/${id}/retry`, { expected_attempt: before.attempt });
    expect(answer.status).toBe(202);
    await eventually('the second attempt failed', async () => {
      const { state, attempt } = await world.payout(id);
      return state === 'failed' && attempt > before.attempt;
    });
    expect(await world.payout(id)).toMatchObject({ state: 'failed', attempt: before.attempt + 1, holdNo: 2 });
    expect((await world.submissions(id)).filter(({ kind }) => kind === 'call')).toHaveLength(2);
    expect((await world.balances())['held']).toBe(0n);
  });

  test('a credit that comes after `failed` becomes a question for people, never a silent change', async () => {
    const recipient = world.recipientOf('customer_unknown');
    const id = await accept(recipient);
    await world.untilState(id, 'failed');
    const [submission] = await world.submissions(id);
    // Another request under our reference, as a provider that took the order after all would show it.
    const orange = world.providers.orange.sandbox;
    const account = {
      clientId: 'sandbox-client',
      clientSecret: 'sandbox-secret',
      accountNumber: '781234567',
      idType: 'MSISDN',
    } as const;
    const token = await orange.authenticate(account);
    const encryptionKey = await orange.account.fetchEncryptionKey(account, token.value);
    world.simulator.configure({ settlementDelayMs: 0 });
    await orange.submit(
      {
        reference: submission!.id,
        amount: 1_000n,
        currency: 'XOF',
        recipient: world.recipientOf('default'),
        account,
        token: token.value,
        encryptedPin: orange.account.encryptPin('2468', encryptionKey),
      },
      () => Promise.resolve('go'),
      new Date(Date.now() + 5_000),
    );
    await checkLateAtOnce(world.pool, id);
    // The simulator refuses the payout's own recipient, so that the credit shows another one: a mismatch.
    const kinds = await eventually('people are asked', async () => {
      const { rows } = await world.pool.query<{ kind: string }>('select kind from review_items where payout_id = $1', [
        id,
      ]);
      return rows.length > 0 && rows.map(({ kind }) => kind);
    });
    expect(kinds).toEqual(['mismatch']);
    expect((await world.payout(id)).state).toBe('failed');
  });
});
