import { randomUUID } from 'node:crypto';

import { pino } from 'pino';

import { createProviderAccess } from '../../src/activities/provider-access';
import { createRequestBudget } from '../../src/activities/request-budget';
import { searchLate } from '../helpers/search-late';
import { controlBulk } from '../../src/db/control-bulk';
import { proposeDecision } from '../../src/db/decisions';
import { beginRestore } from '../../src/db/restores';
import { reconcile } from '../../src/restore/reconcile';
import type { RestoreDeps } from '../../src/restore/restore-deps';
import { createPayoutEvidence } from '../../src/temporal/payout-evidence';
import type { Payout } from '../../src/domain/payout';
import { createRecordingRuns, startTestApp } from '../helpers/app';
import { eventually } from '../helpers/eventually';
import { neverRefused } from '../helpers/never-refused';
import { backUpDatabase } from '../helpers/postgres';
import { createBulkRunWorld } from '../bulks/run-world';
import type { BulkLine, BulkRunWorld } from '../bulks/run-world';

jest.setTimeout(250_000);

/** What each line meets; the first chunk of five keeps one line waiting, so that the second is never carried in the lost time. */
const LINES = [
  'success',
  'success',
  'hidden_row',
  'customer_unknown',
  'payer_balance_insufficient',
  'success',
  'success',
  'success',
] as const;

describe('a database that went back in time, with bulks', () => {
  let world: BulkRunWorld;
  let deps: RestoreDeps;
  beforeEach(async () => {
    world = await createBulkRunWorld({
      settings: { settlementWindowMs: 12_000 },
      bulks: { chunkSize: 5, chunksAtOnce: 1 },
    });
    deps = restoreDeps(world);
  });
  afterEach(() => world.close());

  async function payoutsOf(lines: readonly BulkLine[]): Promise<readonly Payout[]> {
    return await Promise.all(
      lines.map(async ({ reference }) => {
        const { rows } = await world.pool.query<{ id: string }>('select id from payouts where reference = $1', [
          reference,
        ]);
        return await world.payout(rows[0]!.id);
      }),
    );
  }

  const credits = (lines: readonly BulkLine[]): Promise<bigint[]> =>
    Promise.all(lines.map(({ recipient }) => world.credited(recipient.msisdn)));

  /** A bulk that was carried in the time that is lost, and restored to the moment before it began. */
  async function carriedAndLost(): Promise<{ bulkId: string; lines: readonly BulkLine[] }> {
    const lines = world.linesOf(LINES);
    const bulkId = await world.sendBulk(lines);
    const backup = await backUpDatabase(world.databaseUrl);
    const workers = await world.startWorkers();
    await eventually('the first chunk was sent', async () => {
      const states = (await payoutsOf(lines)).map(({ state, reason }) => `${state} ${reason}`);
      return (
        states[4] === 'queued provider_float_low' &&
        states[0]!.startsWith('succeeded') &&
        states[1]!.startsWith('succeeded')
      );
    });
    await workers.close();
    await backup.restore();
    await beginRestore(world.pool, null);
    expect((await payoutsOf(lines)).map(({ state }) => state)).toEqual(lines.map(() => 'accepted'));
    return { bulkId, lines };
  }

  test('one that had begun goes on: what may have been sent is never sent again, the rest is sent once', async () => {
    const before = await world.balances();
    const { bulkId, lines } = await carriedAndLost();
    const sent = await credits(lines);
    expect(await reconcile(deps)).toMatchObject({ callsFound: 2, linesSeen: 3, lineReviews: 0, strangers: 0 });
    const recovered = await payoutsOf(lines);
    expect(recovered.map(({ state }) => state)).toEqual([
      ...['unknown', 'unknown', 'unknown', 'unknown', 'unknown'],
      ...['accepted', 'accepted', 'accepted'],
    ]);
    for (const { owner } of recovered) expect(owner).toBe(`bulk/${bulkId}`);

    // One is found paid before anything is held for it, one is turned down by people.
    await searchLate(world, recovered[0]!.id);
    expect((await world.payout(recovered[0]!.id)).state).toBe('succeeded');
    expect((await world.balances())['suspense']).toBe(-BigInt(lines[0]!.amount));
    await world.startWorkers();
    await world.runs.bulkChanged(bulkId);
    const bulk = await world.untilBulk(bulkId, 'completed');

    expect(bulk.progress).toMatchObject({ succeeded: { lines: 5 }, in_review: { lines: 3 } });
    const amounts = lines.map(({ amount }) => BigInt(amount));
    expect(await credits(lines)).toEqual(amounts.map((amount, index) => (index < 5 ? sent[index] : amount)));
    expect(sent.slice(0, 5)).toEqual([amounts[0], amounts[1], amounts[2], 0n, 0n]);
    const after = await world.balances();
    expect((after['paid'] ?? 0n) - (before['paid'] ?? 0n)).toBe(BigInt(bulk.progress['succeeded']!.amount));
    expect(after['held']).toBe(BigInt(bulk.progress['in_review']!.amount));
    expect(after['suspense']).toBe(0n);
    await world.expectPartsClosed(bulkId);
    await world.expectRollUpTrue(bulkId);
  });

  test('one that is cancelled before it begins leaves what may have been sent to people', async () => {
    const { bulkId, lines } = await carriedAndLost();
    await reconcile(deps);
    const { result } = await controlBulk(world.pool, {
      bulkId,
      control: 'cancel',
      actor: 'system',
      onRefused: neverRefused,
    });
    expect(result).toBe('done');
    const states = (await payoutsOf(lines)).map(({ state }) => state);
    expect(states.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => 'in_review'));
    expect(states.slice(5)).toEqual(['cancelled', 'cancelled', 'cancelled']);
    const [first] = await payoutsOf(lines);
    const proposal = { payoutId: first!.id, evidenceEnc: Buffer.from('sealed'), providerReference: null };
    await expect(
      proposeDecision(world.pool, { ...proposal, resolution: 'keep_looking', keyId: 'key_per_one', marginMs: 500 }),
    ).rejects.toThrow('its bulk holds nothing');
    await world.expectRollUpTrue(bulkId);
  });

  test('lines that were tried again in the lost time are not tried a third time', async () => {
    const lines = world.linesOf(['default', 'default', 'default']);
    const suspend = (suspended: boolean): void => {
      for (const { recipient } of lines.slice(1)) {
        world.simulator.putAccount({ msisdn: recipient.msisdn.replace('+221', ''), suspended });
      }
    };
    suspend(true);
    const bulkId = await world.sendBulk(lines);
    let workers = await world.startWorkers();
    await world.untilBulk(bulkId, 'completed');
    await workers.close();
    const backup = await backUpDatabase(world.databaseUrl);
    workers = await world.startWorkers();
    suspend(false);
    expect((await world.retryFailed(bulkId)).status).toBe(200);
    await eventually('both are paid', async () => (await world.readBulk(bulkId)).progress['succeeded']?.lines === 3);
    await workers.close();
    const [, second] = await payoutsOf(lines);
    world.simulator.configure({ hideReferences: [(await world.submissions(second!.id)).at(-1)!.id] });
    await backup.restore();
    await beginRestore(world.pool, null);
    expect(await reconcile(deps)).toMatchObject({ callsFound: 1, linesSeen: 1 });
    await world.startWorkers();
    for (const { id } of (await payoutsOf(lines)).slice(1)) {
      expect((await world.submissions(id)).map(({ outcome }) => outcome)).toEqual(['rejected', 'unknown']);
    }
    expect((await world.retryFailed(bulkId)).status).toBe(200);
    await eventually(
      'nothing is left to try',
      async () => (await world.readBulk(bulkId)).reason === 'nothing_to_retry',
    );
    expect(await credits(lines)).toEqual(lines.map(({ amount }) => BigInt(amount)));
  });

  test('one of which the engine knows no run waits for people', async () => {
    const lines = world.linesOf(['success', 'success']);
    const app = await startTestApp({ pool: world.pool, sealing: world.vault, runs: createRecordingRuns() });
    const idempotencyKey = randomUUID();
    try {
      const answer = await app.request('POST', '/v1/bulk-cash-ins', {
        key: world.merchantKey,
        idempotencyKey,
        body: { lines },
      });
      expect(answer.status).toBe(202);
    } finally {
      await app.close();
    }
    await world.pool.query("update bulks set sweep_after = now() + interval '1 hour'");
    await beginRestore(world.pool, null);
    expect(await reconcile(deps)).toMatchObject({ lineReviews: 2 });
    expect((await payoutsOf(lines)).map(({ state }) => state)).toEqual(['in_review', 'in_review']);
  });
});

function restoreDeps(world: BulkRunWorld): RestoreDeps {
  const { pool, vault, providers, settings } = world;
  const budget = createRequestBudget({ pool, requestsPerMinute: null, patienceMs: 1_000 });
  const access = createProviderAccess({
    ...{ pool, budget, providers, sealing: vault },
    fingerprintPin: (...pin: [string, string, string]) => vault.fingerprintPin(...pin),
  });
  const engine = createPayoutEvidence(world.client, world.taskQueuePrefix);
  return { pool, settings, access, budget, engine, logger: pino({ level: process.env['TEST_LOG'] ?? 'silent' }) };
}
