import { cancelPayout } from '../../src/db/cancel-payout';
import { writeIntent } from '../../src/db/intents';
import type { IntentAnswer, IntentRequest } from '../../src/db/intents';
import { callOf, writeLineIntents } from '../../src/db/line-intents';
import type { LineIntentsAnswer } from '../../src/db/line-intents';
import { recoverAttempt } from '../../src/db/positions';
import { insertStop, liftStop, STOP_SCOPES } from '../../src/db/stops';
import { withTransaction } from '../../src/db/transaction';
import type { Payout } from '../../src/domain/payout';
import { PAYOUT_STATE_NAMES } from '../../src/domain/payout-state';
import { submissionReference } from '../../src/domain/reference';
import { ACCOUNT, createPayoutWorld, PIN } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { standBulk } from '../helpers/standing-bulk';
import { insertSubmissionBySql, refusal, standPayout } from '../helpers/standing-payout';

let world: PayoutWorld;
beforeAll(async () => {
  world = await createPayoutWorld();
  await world.pool.query("select top_up_float($1, 'sandbox', 'XOF', 10000000, 'much')", [world.merchantId]);
});
afterAll(() => world.close());

const SUPERSEDED = { refused: 'superseded' };

function common(): Omit<IntentRequest, 'payoutId' | 'attempt' | 'submissionId'> {
  return {
    writer: 'test',
    account: { provider: 'orange', environment: 'sandbox', accountNumber: ACCOUNT },
    credentialId: world.credentialId,
    pinFingerprint: world.vault.fingerprintPin('orange', ACCOUNT, PIN),
    sendByMs: 5_000,
    probeMs: 5_000,
    settlementWindowMs: 60_000,
  };
}

function intend(payoutId: string, { attempt = 1, pin = PIN } = {}): Promise<IntentAnswer> {
  return writeIntent(world.pool, {
    ...common(),
    pinFingerprint: world.vault.fingerprintPin('orange', ACCOUNT, pin),
    payoutId,
    attempt,
    submissionId: submissionReference({ payoutId, attempt, call: 1 }),
  });
}

/** Rows as no code of ours leaves them. */
async function force(sql: string, values: readonly unknown[]): Promise<void> {
  await withTransaction(world.pool, async (trx) => {
    await trx.query('set local session_replication_role = replica');
    await trx.query(sql, [...values]);
  });
}

/** What holds while `stopped` runs: a stop, a restore or a paused bulk, and its end. */
async function during<T>(
  begin: () => Promise<unknown>,
  end: () => Promise<unknown>,
  work: () => Promise<T>,
): Promise<T> {
  await begin();
  try {
    return await work();
  } finally {
    await end();
  }
}

function stopping<T>(scope: (typeof STOP_SCOPES)[number], target: string, work: () => Promise<T>): Promise<T> {
  const stop = { scope, target, reason: 'test', personId: 'per_one' };
  return during(
    () => insertStop(world.pool, stop),
    () => liftStop(world.pool, stop),
    work,
  );
}

function restoring<T>(work: () => Promise<T>): Promise<T> {
  return during(
    () => world.pool.query("insert into restores (id, since) values ('res_test', now())"),
    () => world.pool.query("delete from restores where id = 'res_test'"),
    work,
  );
}

describe('the intent of a payout’s call', () => {
  test('is written once for an attempt', async () => {
    const id = await world.accept();
    await expect(intend(id)).resolves.toMatchObject({ probe: false, payout: { state: 'processing' } });
    await expect(intend(id)).resolves.toEqual(SUPERSEDED);
    expect(await world.submissions(id)).toMatchObject([{ attempt: 1, call: 1, outcome: null }]);
    expect(await world.states(id)).toEqual(['queued', 'processing']);
  });

  test.each(PAYOUT_STATE_NAMES.filter((state) => state !== 'queued' && state !== 'accepted'))(
    'is not written for a payout that is %s',
    async (state) => {
      const scheduledAt = new Date(Date.now() + 60_000);
      const id = state === 'scheduled' ? await world.accept({ scheduledAt }) : (await standPayout(world, { state })).id;
      await expect(intend(id)).resolves.toEqual(SUPERSEDED);
      expect(await world.submissions(id)).toEqual([]);
    },
  );

  test('is not written for another attempt than the present one', async () => {
    const id = await world.accept();
    await expect(intend(id, { attempt: 2 })).resolves.toEqual(SUPERSEDED);
    expect(await world.submissions(id)).toEqual([]);
  });

  test('is not written by a run for an item that its bulk owns', async () => {
    const id = await world.accept();
    await force("update payouts set owner = 'bulk/bulk_other' where id = $1", [id]);
    await expect(intend(id)).resolves.toEqual(SUPERSEDED);
    expect(await world.submissions(id)).toEqual([]);
  });

  test('is not written after the attempt was voided', async () => {
    const id = await world.accept();
    await recoverAttempt(world.pool, { payoutId: id, attempt: 1, backOff: 0, watchMs: 0 });
    await expect(intend(id)).resolves.toEqual(SUPERSEDED);
    expect((await world.payout(id)).attempt).toBe(2);
    expect(await world.submissions(id)).toMatchObject([{ attempt: 1, kind: 'void', outcome: 'void' }]);
  });

  test.each(STOP_SCOPES)('is not written while operations stop sending for its %s', async (scope) => {
    const id = await world.accept();
    const target = { merchant: world.merchantId, provider: 'orange', payout: id }[scope];
    const answer = await stopping(scope, target, () => intend(id));
    expect(answer).toEqual({ refused: 'stopped_by_operations' });
    expect(await world.submissions(id)).toEqual([]);
  });

  test('is not written while a restore is open', async () => {
    const id = await world.accept();
    expect(await restoring(() => intend(id))).toEqual({ refused: 'after_restore' });
    expect(await world.submissions(id)).toEqual([]);
  });

  test('is not written where the gate knows another PIN', async () => {
    const id = await world.accept();
    await expect(intend(id, { pin: '9999' })).resolves.toEqual({ refused: 'credential_blocked' });
    expect(await world.submissions(id)).toEqual([]);
  });

  test('is not written for an item whose bulk is paused', async () => {
    const id = await world.accept();
    const bulkId = await withTransaction(world.pool, (trx) =>
      standBulk(trx, { merchantId: world.merchantId, lines: 1, state: 'succeeded', outcome: 'settled' }),
    );
    await force("update bulks set state = 'paused' where id = $1", [bulkId]);
    await force('update payouts set bulk_id = $2, bulk_line = 2 where id = $1', [id, bulkId]);
    await expect(intend(id)).resolves.toEqual({ refused: 'bulk_waits' });
    expect(await world.submissions(id)).toEqual([]);
  });

  test('has one row for each call of an attempt, whatever its id', async () => {
    const id = await world.accept();
    await insertSubmissionBySql(world.pool, { payoutId: id, attempt: 1, outcome: null });
    const again = insertSubmissionBySql(world.pool, { payoutId: id, attempt: 1, outcome: null });
    expect(await refusal(again)).toBe('23505');
  });
});

describe('the intents of a bulk’s items', () => {
  /** A running bulk with one queued item and nothing sent. */
  async function standLine(change: string | null = null): Promise<{ bulkId: string; line: Payout }> {
    const bulkId = await withTransaction(world.pool, (trx) =>
      standBulk(trx, { merchantId: world.merchantId, lines: 1, state: 'queued', outcome: 'unknown' }),
    );
    const id = `${bulkId}-1`;
    await force('delete from submissions where payout_id = $1', [id]);
    const line = await world.payout(id);
    if (change !== null) await force(`update payouts set ${change} where id = $1`, [id]);
    return { bulkId, line };
  }

  function intendLine({ bulkId, line }: { bulkId: string; line: Payout }): Promise<LineIntentsAnswer> {
    return writeLineIntents(world.pool, { ...common(), bulkId, lines: [line], batch: null });
  }

  test('are written once for an attempt', async () => {
    const stood = await standLine();
    await expect(intendLine(stood)).resolves.toMatchObject({ sent: [{ id: stood.line.id, state: 'processing' }] });
    await expect(intendLine(stood)).resolves.toMatchObject({ sent: [] });
    expect((await world.submissions(stood.line.id)).map(({ id }) => id)).toEqual([callOf(stood.line)]);
  });

  test.each([
    ['that is elsewhere by now', "state = 'processing'"],
    ['that was handed over', "owner = 'payout/' || id"],
    ['at another attempt', 'attempt = 2'],
  ])('leave out one %s', async (_, change) => {
    const stood = await standLine(change);
    await expect(intendLine(stood)).resolves.toMatchObject({ sent: [] });
    expect(await world.submissions(stood.line.id)).toEqual([]);
  });

  test('are not written while the bulk is paused, operations stop sending or a restore is open', async () => {
    const paused = await standLine();
    await force("update bulks set state = 'paused' where id = $1", [paused.bulkId]);
    await expect(intendLine(paused)).resolves.toEqual({ refused: 'bulk_waits' });
    const stood = await standLine();
    for (const scope of ['merchant', 'provider'] as const) {
      const target = { merchant: world.merchantId, provider: 'orange' }[scope];
      expect(await stopping(scope, target, () => intendLine(stood))).toEqual({ refused: 'stopped_by_operations' });
    }
    expect(await stopping('payout', stood.line.id, () => intendLine(stood))).toMatchObject({
      sent: [],
      stopped: [stood.line.id],
    });
    expect(await restoring(() => intendLine(stood))).toEqual({ refused: 'after_restore' });
    expect(await world.submissions(stood.line.id)).toEqual([]);
  });
});

describe('a cancel', () => {
  const cancel = async (payoutId: string): Promise<string> =>
    (await cancelPayout(world.pool, { payoutId, actor: 'system', reason: 'cancelled_by_merchant' })).result;

  test.each([null, 'accepted', 'settled', 'unknown'] as const)(
    'is refused once a call may have moved money (%s)',
    async (outcome) => {
      const { id } = await standPayout(world, { state: 'processing', outcomes: [outcome] });
      await expect(cancel(id)).resolves.toBe('refused');
      const bare = "update payouts set state = 'cancelled', version = version + 1 where id = $1";
      expect(await refusal(world.pool.query(bare, [id]))).toBe('CA409');
    },
  );

  test('that comes first leaves nothing to the intent, and one that comes second is refused', async () => {
    const [one, other] = [await world.accept(), await world.accept()];
    await expect(cancel(one)).resolves.toBe('cancelled');
    await expect(intend(one)).resolves.toEqual(SUPERSEDED);
    await intend(other);
    await expect(cancel(other)).resolves.toBe('refused');
  });

  test('of an item is its bulk’s alone', async () => {
    const bulkId = await withTransaction(world.pool, (trx) =>
      standBulk(trx, { merchantId: world.merchantId, lines: 1, state: 'queued', outcome: 'rejected' }),
    );
    await expect(cancel(`${bulkId}-1`)).resolves.toBe('refused');
  });
});
