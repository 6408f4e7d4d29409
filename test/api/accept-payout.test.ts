import { randomUUID } from 'node:crypto';

import { findKeyBinding } from '../../src/db/idempotency-keys';
import { idFrom } from '../../src/db/ids';
import { payoutRequest, seedMerchant, startTestApp } from '../helpers/app';
import type { ApiAnswer, TestApp, TestMerchant } from '../helpers/app';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(async () => {
  await app.close();
});

const post = (merchant: TestMerchant, body: unknown, idempotencyKey: string = randomUUID()): Promise<ApiAnswer> =>
  app.request('POST', '/v1/payouts', { key: merchant.key, idempotencyKey, body });

async function float(merchant: TestMerchant): Promise<Record<string, bigint>> {
  const { rows } = await app.pool.query<{ kind: string; balance: bigint }>(
    'select kind, balance from ledger_accounts where merchant_id = $1',
    [merchant.id],
  );
  return Object.fromEntries(rows.map(({ kind, balance }) => [kind, balance]));
}

async function count(table: string, merchant: TestMerchant): Promise<number> {
  const { rows } = await app.pool.query<{ n: number }>(
    `select count(*)::int as n from ${table} where merchant_id = $1`,
    [merchant.id],
  );
  return rows[0]?.n ?? -1;
}

test('a payout is accepted with its first event and its hold, and its run is started', async () => {
  const merchant = await seedMerchant(app.pool);
  const answer = await post(merchant, payoutRequest({ reference: 'R-1', metadata: { order: '7' } }));
  expect(answer.status).toBe(202);
  expect(answer.body).toMatchObject({
    state: 'queued',
    reason: 'accepted_by_api',
    amount: '5000',
    recipient: { msisdn: '+221771234567' },
    reference: 'R-1',
    metadata: { order: '7' },
    version: 1,
  });
  const { id } = answer.body;
  expect(answer.headers.get('location')).toBe(`/v1/payouts/${id}`);
  expect(answer.headers.get('x-request-id')).toMatch(/^req_/);
  expect(await float(merchant)).toMatchObject({ available: 995_000n, held: 5_000n });
  expect(app.runs.calls).toContain(`start ${id} queued orange_sn orange`);

  const events = await app.request('GET', `/v1/payouts/${id}/events`, { key: merchant.key });
  expect(events.body.data).toEqual([
    expect.objectContaining({
      sequence: 1,
      from: null,
      to: 'queued',
      reason: 'accepted_by_api',
      actor: expect.stringMatching(/^api_key:key_/),
    }),
  ]);
});

test('the same key and body get the first answer again, also spelled otherwise, and hold nothing more', async () => {
  const merchant = await seedMerchant(app.pool);
  const key = randomUUID();
  const first = await post(merchant, payoutRequest(), key);
  await app.request('POST', `/v1/payouts/${first.body.id}/cancel`, { key: merchant.key });
  const again = await post(
    merchant,
    payoutRequest({ amount: '5000', recipient: { msisdn: '+221 77 123 45 67' }, metadata: {}, reference: null }),
    key,
  );
  expect(again.status).toBe(202);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(again.headers.get('location')).toBe(`/v1/payouts/${first.body.id}`);
  expect(again.body).toEqual(first.body);
  expect(await count('payouts', merchant)).toBe(1);
});

test('the same key with another body is refused, and the fields that differ are named', async () => {
  const merchant = await seedMerchant(app.pool);
  const key = randomUUID();
  await post(merchant, payoutRequest(), key);
  const answer = await post(merchant, payoutRequest({ amount: 6_000, reference: 'new' }), key);
  expect(answer.status).toBe(409);
  expect(answer.body.code).toBe('idempotency_key_reused');
  expect(answer.body.errors.map(({ pointer }) => pointer).sort()).toEqual(['/amount', '/reference']);
});

test('a key of one merchant or environment is free for another', async () => {
  const [one, other] = [await seedMerchant(app.pool), await seedMerchant(app.pool)];
  const first = await post(one, payoutRequest(), 'shared');
  const second = await post(other, payoutRequest(), 'shared');
  expect([first.status, second.status]).toEqual([202, 202]);
  expect(second.body.id).not.toBe(first.body.id);
  // The id follows from the key, so that a request that is repeated after a restore is the same payout to the provider.
  expect(first.body.id).toBe(idFrom('po', one.id, 'sandbox', 'shared'));
  for (const [merchant, { body }] of [
    [one, first],
    [other, second],
  ] as const) {
    expect((await post(merchant, payoutRequest(), 'shared')).body).toEqual(body);
    const key = { merchantId: merchant.id, operation: 'payout', key: 'shared' } as const;
    expect(await findKeyBinding(app.pool, { ...key, environment: 'sandbox' })).toMatchObject({ objectId: body.id });
    expect(await findKeyBinding(app.pool, { ...key, environment: 'live' })).toBeNull();
  }
});

test('the same key many times at once gives one payout and one hold', async () => {
  const merchant = await seedMerchant(app.pool);
  const key = randomUUID();
  const answers = await Promise.all(Array.from({ length: 8 }, () => post(merchant, payoutRequest(), key)));
  expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(202));
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1);
  expect(await float(merchant)).toMatchObject({ held: 5_000n });
});

test('payouts at once cannot overdraw the float; the refused ones leave no trace', async () => {
  const merchant = await seedMerchant(app.pool, { float: 12_000n });
  const keys = Array.from({ length: 6 }, () => randomUUID());
  const answers = await Promise.all(keys.map((key) => post(merchant, payoutRequest(), key)));
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(2);
  const refused = answers.filter(({ status }) => status === 422);
  expect(refused.map(({ body }) => body.code)).toEqual(Array(4).fill('insufficient_float'));
  expect(await float(merchant)).toMatchObject({ available: 2_000n, held: 10_000n });
  expect([await count('payouts', merchant), await count('idempotency_keys', merchant)]).toEqual([2, 2]);

  // The key of a refusal is free: it may be used for another request.
  const free = keys[answers.findIndex(({ status }) => status === 422)];
  expect((await post(merchant, payoutRequest({ amount: 2_000 }), free)).status).toBe(202);
});

test('a reference is taken once only where the merchant asks for it', async () => {
  const merchant = await seedMerchant(app.pool);
  const unique = payoutRequest({ reference: 'INV-1', reference_unique: true });
  const first = await post(merchant, unique);
  expect(first.status).toBe(202);
  const answer = await post(merchant, unique);
  expect([answer.status, answer.body.code]).toEqual([409, 'reference_taken']);
  expect(JSON.stringify(answer.body.errors)).toContain(first.body.id);
  expect((await post(merchant, payoutRequest({ reference: 'INV-1' }))).status).toBe(202);
});

describe('a reference that was used before', () => {
  const NFC = 'PAY-\u00e9';
  const NFD = 'PAY-e\u0301';

  test('is a warning that names the payout, in either spelling, and the same again when the request is repeated', async () => {
    const merchant = await seedMerchant(app.pool);
    const first = await post(merchant, payoutRequest({ reference: NFC }));
    expect(first.body).toMatchObject({ reference: NFC, warnings: [] });
    const key = randomUUID();
    const second = await post(merchant, payoutRequest({ reference: NFD }), key);
    expect([second.status, second.body]).toMatchObject([
      202,
      { reference: NFD, warnings: [{ field: 'reference', code: 'reference_used_before' }] },
    ]);
    expect(JSON.stringify(second.body)).toContain(first.body.id);
    const again = await post(merchant, payoutRequest({ reference: NFC }), key);
    expect([again.headers.get('idempotent-replayed'), again.body]).toEqual(['true', second.body]);
  });

  test('is refused where the merchant asks for a unique one, in either spelling', async () => {
    const merchant = await seedMerchant(app.pool);
    const first = await post(merchant, payoutRequest({ reference: NFD }));
    const unique = payoutRequest({ reference: NFC, reference_unique: true });
    const refused = await post(merchant, unique);
    expect([refused.status, refused.body.code]).toEqual([409, 'reference_taken']);
    expect(JSON.stringify(refused.body.errors)).toContain(first.body.id);
    // One that was undone is no payment any more.
    await app.pool.query("update payouts set accepted_at = accepted_at - interval '8 days' where id = $1", [
      first.body.id,
    ]);
    const key = randomUUID();
    expect((await post(merchant, unique, key)).status).toBe(202);
    expect((await post(merchant, unique, key)).headers.get('idempotent-replayed')).toBe('true');
    expect((await post(merchant, { ...unique, reference: NFD })).body.code).toBe('reference_taken');
  });

  test('of many at once that ask for a unique one exactly one is accepted', async () => {
    const merchant = await seedMerchant(app.pool);
    const spellings = [NFC, NFD, NFC, NFD, NFC];
    const answers = await Promise.all(
      spellings.map((reference) => post(merchant, payoutRequest({ reference, reference_unique: true }))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409, 409, 409]);
  });

  test.each([
    ['a zero-width space', '\u200b', 'U+200B'],
    ['a left-to-right mark', '\u200e', 'U+200E'],
    ['a soft hyphen', '\u00ad', 'U+00AD'],
  ])('%s in it is refused by name', async (_name, character, codePoint) => {
    const merchant = await seedMerchant(app.pool);
    const { status, body } = await post(merchant, payoutRequest({ reference: `INV${character}-1` }));
    expect([status, body.errors]).toMatchObject([422, [{ pointer: '/reference' }]]);
    expect(body.errors[0]?.detail).toContain(codePoint);
  });

  test.each(['\u2028', '\u2029'])('a line end of Unicode in it is refused', async (character) => {
    const merchant = await seedMerchant(app.pool);
    const { status, body } = await post(merchant, payoutRequest({ reference: `INV${character}1` }));
    expect([status, body.errors]).toMatchObject([422, [{ pointer: '/reference' }]]);
  });

  test('a search finds it in either spelling', async () => {
    const merchant = await seedMerchant(app.pool);
    const { body } = await post(merchant, payoutRequest({ reference: NFD }));
    for (const reference of [NFC, NFD]) {
      const query = new URLSearchParams({ reference }).toString();
      const found = await app.request('GET', `/v1/payouts?${query}`, { key: merchant.key });
      expect(found.body.data.map(({ id }) => id)).toEqual([body.id]);
    }
  });
});

test('a scheduled payout is held, and a repeated request is answered also after its time', async () => {
  const merchant = await seedMerchant(app.pool);
  const at = new Date(Date.now() + 2_000);
  const key = randomUUID();
  const body = payoutRequest({ scheduled_at: at.toISOString().replace('Z', '+00:00') });
  const first = await post(merchant, body, key);
  expect(first.body).toMatchObject({ state: 'scheduled', reason: 'scheduled_by_api', scheduled_at: at.toISOString() });
  while (Date.now() <= at.getTime()) await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await post(merchant, body, key)).body).toEqual(first.body);
  const late = await post(merchant, body);
  expect(late.body.errors).toEqual([expect.objectContaining({ pointer: '/scheduled_at' })]);
});

test('without a credential for the method there is no route', async () => {
  const merchant = await seedMerchant(app.pool, { credential: false });
  const answer = await post(merchant, payoutRequest());
  expect([answer.status, answer.body.code]).toEqual([422, 'no_route']);
});

test('with the engine stopped the answer is still 202', async () => {
  const merchant = await seedMerchant(app.pool);
  app.runs.isDown = true;
  const answer = await post(merchant, payoutRequest());
  app.runs.isDown = false;
  expect(answer.status).toBe(202);
  const { rows } = await app.pool.query<{ sweep_after: Date }>('select sweep_after from payouts where id = $1', [
    answer.body.id,
  ]);
  expect(rows[0]!.sweep_after.getTime()).toBeLessThan(Date.now() + 60_000);
});

test('names and addresses of people lie sealed, and neither they nor the number are logged', async () => {
  const merchant = await seedMerchant(app.pool);
  const { body } = await post(merchant, payoutRequest({ recipient: { msisdn: '781112233' } }));
  const { rows } = await app.pool.query<{ customer_enc: Buffer }>('select customer_enc from payouts where id = $1', [
    body.id,
  ]);
  expect(await app.sealing.open(merchant.id, 'customer', rows[0]!.customer_enc)).toContain('awa@example.com');
  expect(app.logLines.join('\n')).not.toMatch(/awa@example|781112233/);
  const read = await app.request('GET', `/v1/payouts/${body.id}`, { key: merchant.key });
  expect(read.body).toMatchObject({
    customer: { email: 'awa@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
    progress: { step: 'poll', next_at: '2030-01-01T00:00:00.000Z', attempt: 3 },
  });
});
