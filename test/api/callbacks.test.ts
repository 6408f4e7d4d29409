import { createHash, randomBytes, randomUUID } from 'node:crypto';

import { claimCallbacks } from '../../src/db/callbacks';
import type { DueCallback } from '../../src/db/callbacks';
import { handOverLines } from '../../src/db/hand-over-lines';
import { queueLines } from '../../src/db/queue-lines';
import { startBulk } from '../../src/db/start-bulk';
import type { ParsedCallback } from '../../src/domain/callback';
import { payoutRequest, seedMerchant, startTestApp } from '../helpers/app';
import type { ApiAnswer, TestApp, TestMerchant } from '../helpers/app';
import { neverRefused } from '../helpers/never-refused';
import { writeAnswer, writeIntent } from './payout-in-state';

let app: TestApp;
let merchant: TestMerchant;
let token: string;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(async () => {
  await app.close();
});
beforeEach(async () => {
  app.runs.isDown = false;
  app.runs.calls.length = 0;
  merchant = await seedMerchant(app.pool);
  token = randomBytes(24).toString('base64url');
  const hash = createHash('sha256').update(token).digest();
  await app.pool.query('update credentials set callback_token_hash = $2 where id = $1', [merchant.credentialId, hash]);
});

const NOTHING_SAID = { amount: null, currency: null, recipient: null };

const authentic = (changes: Partial<Extract<ParsedCallback, { authentic: true }>> = {}): ParsedCallback => ({
  authentic: true,
  eventId: null,
  reference: null,
  providerReference: null,
  claim: 'success',
  paid: NOTHING_SAID,
  ...changes,
});

/** Sends a callback that the provider's parser reads as `parsed`. */
function send(parsed: ParsedCallback, raw: string = randomUUID(), at = token): Promise<ApiAnswer> {
  app.onCallback(() => parsed);
  return app.request('POST', `/callbacks/orange/${at}`, { raw, headers: { 'content-type': 'application/json' } });
}

async function sentPayout(): Promise<{ payoutId: string; submissionId: string }> {
  const body = payoutRequest();
  const answer = await app.request('POST', '/v1/payouts', { key: merchant.key, idempotencyKey: randomUUID(), body });
  return { payoutId: answer.body.id, submissionId: await writeIntent(app.pool, answer.body.id) };
}

/** A line that its bulk carries, whose call is written down. */
async function sentLine(): Promise<{ bulkId: string; payoutId: string; submissionId: string }> {
  const answer = await app.request('POST', '/v1/bulk-cash-ins', {
    ...{ key: merchant.key, idempotencyKey: randomUUID(), body: { lines: [payoutRequest()] } },
  });
  const bulkId = answer.body.id;
  await startBulk(app.pool, bulkId, { approvalForMs: 60_000 });
  await queueLines(app.pool, { bulkId, from: 1, to: 1 });
  const { rows } = await app.pool.query<{ id: string }>('select id from payouts where bulk_id = $1', [bulkId]);
  const payoutId = rows[0]!.id;
  return { bulkId, payoutId, submissionId: await writeIntent(app.pool, payoutId) };
}

interface Row {
  id: string;
  payout_id: string | null;
  claim: string;
  event_id: string;
  body_enc: Buffer;
  applied: boolean;
}

async function stored(): Promise<Row[]> {
  const { rows } = await app.pool.query<Row>(
    'select *, applied_at is not null as applied from callbacks where credential_id = $1 order by received_at',
    [merchant.credentialId],
  );
  return rows;
}

/** What the sweeper gets of this test's callbacks. */
async function claimed(): Promise<readonly DueCallback[]> {
  const own = (await stored()).map(({ id }) => id);
  return (await claimCallbacks(app.pool, 100)).filter(({ callbackId }) => own.includes(callbackId));
}

async function makeDue(): Promise<void> {
  await app.pool.query("update callbacks set sweep_after = now() - interval '1 second' where applied_at is null");
}

test('an authentic callback is kept sealed and the run of its payout is told', async () => {
  const { payoutId, submissionId } = await sentPayout();
  const answer = await send(authentic({ reference: submissionId, eventId: 'evt-1' }), '{"the":"body"}');
  expect([answer.status, answer.text]).toEqual([202, '']);
  const [row] = await stored();
  expect(row).toMatchObject({ payout_id: payoutId, claim: 'success', event_id: 'evt-1' });
  expect(row!.body_enc.toString()).not.toContain('{"the"');
  expect(await app.sealing.open(merchant.id, 'callback', row!.body_enc)).toBe('{"the":"body"}');
  expect(app.runs.calls).toContain(`reported ${payoutId} ${row!.id}`);
});

test('the parser gets the raw bytes, the headers and what was registered', async () => {
  const secrets = { signingSecret: 'sign', authorization: 'auth' };
  const sealed = await app.sealing.seal(merchant.id, 'callback-secrets', JSON.stringify(secrets));
  await app.pool.query('update credentials set callback_secrets_enc = $2 where id = $1', [
    merchant.credentialId,
    sealed,
  ]);
  const seen: unknown[] = [];
  app.onCallback((provider, raw, registered) => {
    seen.push(provider, raw.body.toString(), raw.headers['x-signature'], registered);
    return authentic();
  });
  await app.request('POST', `/callbacks/orange/${token}`, { raw: ' {"a" : 1} ', headers: { 'x-signature': 'abc' } });
  expect(seen).toEqual(['orange', ' {"a" : 1} ', 'abc', secrets]);
});

test('a forged one is refused and leaves nothing', async () => {
  const answer = await send({ authentic: false, why: 'wrong signature' });
  expect(answer.status).toBe(401);
  expect(answer.body.code).toBe('callback_not_authentic');
  expect(await stored()).toEqual([]);
});

test('a path that is not ours is not found, whatever is sent to it', async () => {
  expect((await send(authentic(), 'x', 'A'.repeat(32))).status).toBe(404);
  expect((await app.request('POST', `/callbacks/paypal/${token}`, { raw: 'x' })).status).toBe(404);
  expect(app.logLines.join()).not.toContain(token);
});

test('a double one is kept once and passed on once', async () => {
  const { submissionId } = await sentPayout();
  const callback = authentic({ reference: submissionId });
  const answers = await Promise.all(Array.from({ length: 4 }, () => send(callback, 'same bytes')));
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
  expect(await stored()).toHaveLength(1);
  expect(app.runs.calls.filter((call) => call.startsWith('reported'))).toHaveLength(1);
});

test('one that is early is kept, and matched by the sweeper once the provider reference is known', async () => {
  const { payoutId } = await sentPayout();
  await send(authentic({ providerReference: `OM-${payoutId}` }));
  expect((await stored())[0]).toMatchObject({ payout_id: null, applied: false });
  await makeDue();
  expect(await claimed()).toEqual([]);
  await writeAnswer(app.pool, payoutId, 'pending');
  await makeDue();
  const [row] = await stored();
  expect(await claimed()).toEqual([{ callbackId: row!.id, payoutId }]);
  // The lease holds: nobody else gets it now.
  expect(await claimed()).toEqual([]);
});

test('one whose run cannot be told stays due for the sweeper', async () => {
  const { payoutId, submissionId } = await sentPayout();
  app.runs.isDown = true;
  expect((await send(authentic({ reference: submissionId }))).status).toBe(202);
  await makeDue();
  const [row] = await stored();
  expect(await claimed()).toEqual([{ callbackId: row!.id, payoutId }]);
});

async function readState(payoutId: string): Promise<unknown> {
  const { rows } = await app.pool.query<{ state: string }>('select state from payouts where id = $1', [payoutId]);
  return rows[0]?.state;
}

async function isCheckedAtOnce(submissionId: string): Promise<boolean> {
  const { rowCount } = await app.pool.query(
    'select 1 from late_checks where submission_id = $1 and at_once and next_late_check_at <= now()',
    [submissionId],
  );
  return rowCount === 1;
}

test.each([
  ['success', 'succeeded', false],
  ['failed', 'succeeded', true],
  ['other', 'succeeded', true],
  ['failed', 'failed', false],
  ['success', 'failed', true],
] as const)('%s for a payout that %s: looked up once more: %s', async (claim, state, isVerified) => {
  const { payoutId, submissionId } = await sentPayout();
  await writeAnswer(app.pool, payoutId, state);
  await send(authentic({ reference: submissionId, claim }));
  expect(await readState(payoutId)).toBe(state);
  expect(await isCheckedAtOnce(submissionId)).toBe(isVerified);
  expect((await stored())[0]).toMatchObject({ applied: true });
  expect(app.runs.calls.filter((call) => call.startsWith('reported'))).toEqual([]);
});

test.each([
  ['the same payment', {}, {}, false],
  ['another transaction', { providerReference: 'OM-second' }, {}, true],
  ['another amount', {}, { amount: 1n }, true],
  ['no amount', {}, { amount: -1n }, true],
  ['another currency', {}, { currency: 'XAF' }, true],
  ['another recipient', {}, { recipient: '+221770000001' }, true],
  ['a recipient that is no number', {}, { recipient: '\u0000' }, true],
] as const)(
  'a success of %s after a payout succeeded is looked up at once: %s',
  async (_, changes, paid, isVerified) => {
    const { payoutId, submissionId } = await sentPayout();
    await writeAnswer(app.pool, payoutId, 'succeeded');
    const { rows: sent } = await app.pool.query<{
      amount: bigint;
      currency: string;
      recipient: string;
      transaction: string;
    }>(
      `select submissions.amount, submissions.currency, recipient_msisdn as recipient,
       submissions.provider_reference as transaction
     from submissions join payouts on payouts.id = payout_id where submissions.id = $1`,
      [submissionId],
    );
    const { transaction, ...said } = sent[0]!;
    expect(transaction).not.toBeNull();
    await send(
      authentic({ reference: submissionId, providerReference: transaction, paid: { ...said, ...paid }, ...changes }),
    );
    expect(await readState(payoutId)).toBe('succeeded');
    expect(await isCheckedAtOnce(submissionId)).toBe(isVerified);
    expect(await stored()).toMatchObject([{ applied: true }]);
  },
);

test('a success of an earlier attempt that was refused is looked up at once while the next one waits', async () => {
  const { payoutId, submissionId } = await sentPayout();
  await writeAnswer(app.pool, payoutId, 'failed');
  await app.pool.query(
    `update payouts set state = 'queued', version = version + 1, attempt = 2, provider_reference = null, finished_at = null
     where id = $1`,
    [payoutId],
  );
  await send(authentic({ reference: submissionId }));
  expect(await isCheckedAtOnce(submissionId)).toBe(true);
});

test("another merchant's callback does not reach a payout by its reference", async () => {
  const { submissionId } = await sentPayout();
  const other = await seedMerchant(app.pool);
  const otherToken = randomBytes(24).toString('base64url');
  await app.pool.query('update credentials set callback_token_hash = $2 where id = $1', [
    other.credentialId,
    createHash('sha256').update(otherToken).digest(),
  ]);
  expect((await send(authentic({ reference: submissionId }), 'x', otherToken)).status).toBe(202);
  expect(app.runs.calls.filter((call) => call.startsWith('reported'))).toEqual([]);
});

test('one that names nothing for a week is let be', async () => {
  await send(authentic({ reference: 'sub_of_nobody' }));
  await app.pool.query("update callbacks set received_at = now() - interval '8 days' where credential_id = $1", [
    merchant.credentialId,
  ]);
  await makeDue();
  expect(await claimed()).toEqual([]);
  expect((await stored())[0]).toMatchObject({ applied: true, payout_id: null });
});

test('ids that no index can hold do no harm', async () => {
  const long = 'x'.repeat(5_000);
  expect((await send(authentic({ eventId: long, reference: '\u0000', providerReference: long }))).status).toBe(202);
  expect(await stored()).toHaveLength(1);
});

describe('of a line that its bulk carries', () => {
  const told = (): readonly string[] => app.runs.calls.filter((call) => call.startsWith('reported'));

  test('nobody is told while it is under way: the bulk asks for it', async () => {
    const { payoutId, submissionId } = await sentLine();
    await send(authentic({ reference: submissionId }));
    expect(await stored()).toMatchObject([{ payout_id: payoutId, applied: true }]);
    await makeDue();
    expect(await claimed()).toEqual([]);
    expect(told()).toEqual([]);
  });

  test('one that was early is matched by the sweeper, and nobody is told', async () => {
    const { payoutId } = await sentLine();
    await send(authentic({ providerReference: `OM-${payoutId}` }));
    await writeAnswer(app.pool, payoutId, 'pending');
    await makeDue();
    expect(await claimed()).toEqual([]);
    expect(await stored()).toMatchObject([{ payout_id: payoutId, applied: true }]);
    expect(told()).toEqual([]);
  });

  test('one that contradicts its end has it looked up again', async () => {
    const { payoutId, submissionId } = await sentLine();
    await writeAnswer(app.pool, payoutId, 'failed');
    await send(authentic({ reference: submissionId, claim: 'success' }));
    expect(await isCheckedAtOnce(submissionId)).toBe(true);
    expect(told()).toEqual([]);
  });

  test('once it was handed over its run is told', async () => {
    const { bulkId, payoutId, submissionId } = await sentLine();
    expect(await handOverLines(app.pool, { bulkId, payoutIds: [payoutId], most: 1, onRefused: neverRefused })).toEqual([
      payoutId,
    ]);
    await send(authentic({ reference: submissionId }));
    expect(told()).toHaveLength(1);
  });
});
