import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MockActivityEnvironment } from '@temporalio/testing';

import { claimDueBulks } from '../../src/db/bulk-sweeps';
import { newId } from '../../src/db/ids';
import { claimDuePayouts, claimDueWatches } from '../../src/db/sweeps';
import type { SubmissionOutcome } from '../../src/domain/outcome';
import type { PayoutState } from '../../src/domain/payout-state';
import type { ScenarioName } from '../../src/simulators/orange';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { confirmBySql, insertSubmissionBySql, standPayout, transactionOf } from '../helpers/standing-payout';
import { createOperatorsDesk } from './operators-desk';
import type { Answer, OperatorsDesk } from './operators-desk';

const HEADER = 'reference,transaction_id,amount,currency,recipient,status,time';

describe('the import of a provider’s statement', () => {
  let world: PayoutWorld;
  let desk: OperatorsDesk;
  let directory: string;
  let files = 0;

  beforeAll(async () => {
    world = await createPayoutWorld();
    desk = createOperatorsDesk(world);
    directory = mkdtempSync(join(tmpdir(), 'cauri-statement-'));
  });
  afterAll(async () => {
    await world.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function stand(
    state: PayoutState,
    outcome: SubmissionOutcome,
  ): Promise<{ id: string; sub: string; recipient: string }> {
    const { id, submissions } = await standPayout(world, { state, outcomes: [outcome] });
    return { id, sub: submissions[0]!, recipient: (await world.payout(id)).recipient.msisdn! };
  }

  function line(
    of: { sub: string; recipient: string },
    { transaction = transactionOf(of.sub), amount = '1000', recipient = of.recipient, status = 'success' } = {},
  ): string {
    return [of.sub, transaction, amount, 'XOF', recipient, status, '2026-11-22T10:00:00Z'].join(',');
  }

  function write(lines: readonly string[], header = HEADER): string {
    files += 1;
    const file = join(directory, `statement-${files}.csv`);
    // Two files of the same lines would be one file: the number of blank lines at the end tells them apart.
    writeFileSync(file, `${[header, ...lines].join('\n')}\n${'\n'.repeat(files)}`);
    return file;
  }

  function read(file: string): Promise<Answer> {
    return desk.run('statement', `import ${file} --provider orange`);
  }

  async function counts(lines: readonly string[]): Promise<Record<string, number>> {
    return countsIn(await read(write(lines)));
  }

  function countsIn({ printed, refused }: Answer): Record<string, number> {
    expect(refused).toBeNull();
    expect(printed.at(-1)).toMatch(/^imported: \d+ line\(s\), file [0-9a-f]{12}$/);
    const effects = printed.slice(0, -1).map((row): [string, number] => {
      const [count, effect] = row.trim().split(/\s+/);
      return [effect ?? '', Number(count)];
    });
    return Object.fromEntries(effects);
  }

  async function reviewsOf(id: string): Promise<readonly string[]> {
    const { rows } = await world.pool.query<{ kind: string }>(
      'select kind from review_items where payout_id = $1 and closed_at is null order by kind',
      [id],
    );
    return rows.map(({ kind }) => kind);
  }

  test('proves what is in it, and says what each line did', async () => {
    const [paid, refused, flying, known, mismatch] = [
      await stand('unknown', 'unknown'),
      await stand('pending', 'accepted'),
      await stand('unknown', 'unknown'),
      await stand('succeeded', 'settled'),
      await stand('unknown', 'unknown'),
    ];
    const national = paid.recipient.replace('+221', '');
    const file = write([
      line(paid, { recipient: national }),
      line(refused, { status: 'failed' }),
      line(flying, { status: 'in_flight' }),
      line(known),
      line(mismatch, { amount: '999' }),
      line({ sub: 'sub_of_somebody_else', recipient: paid.recipient }),
    ]);
    expect(countsIn(await read(file))).toEqual({
      settled: 1,
      to_confirm: 1,
      in_flight: 1,
      known: 1,
      mismatch: 1,
      stranger: 1,
    });
    const states = await Promise.all(
      [paid, refused, flying, known, mismatch].map(async ({ id }) => (await world.payout(id)).state),
    );
    expect(states).toEqual(['succeeded', 'pending', 'unknown', 'succeeded', 'in_review']);
    expect(await reviewsOf(mismatch.id)).toEqual(['statement_mismatch']);
    expect(await world.submissions(paid.id)).toMatchObject([{ outcome: 'settled', source: 'statement' }]);

    expect(countsIn(await read(file))).toEqual({ seen_before: 6 });
    const { rows } = await world.pool.query(
      'select count(*)::int as lines, bool_and(imported_by = $1) as named from statement_lines where file_hash = $2',
      ['per_one', createHash('sha256').update(readFileSync(file)).digest()],
    );
    expect(rows).toEqual([{ lines: 6, named: true }]);
  });

  test('a file imported again asks nothing that people have answered', async () => {
    const payout = await stand('unknown', 'unknown');
    const file = write([line(payout, { amount: '999' })]);
    await read(file);
    await confirmBySql(world.pool, payout.id);
    await world.pool.query("update payouts set state = 'unknown', version = version + 1 where id = $1", [payout.id]);
    await world.pool.query('update review_items set closed_at = now() where payout_id = $1', [payout.id]);
    expect(countsIn(await read(file))).toEqual({ seen_before: 1 });
    expect((await world.payout(payout.id)).state).toBe('unknown');
    expect(await reviewsOf(payout.id)).toEqual([]);
  });

  test.each(['succeeded', 'pending', 'in_review', 'failed'] as const)(
    'a second success of a reference in a later file is a double credit of a payout that is %s, and is looked up at once',
    async (state) => {
      const payout = await stand(state, 'settled');
      expect(await counts([line(payout)])).toEqual({ known: 1 });
      const file = write([line(payout, { transaction: `second-${payout.sub}` })]);
      expect(countsIn(await read(file))).toEqual({ double_credit: 1 });
      expect(await reviewsOf(payout.id)).toEqual(['double_credit']);
      const { rows } = await world.pool.query('select next_watch_at <= now() as due from payouts where id = $1', [
        payout.id,
      ]);
      expect(rows).toEqual([{ due: true }]);
      expect(countsIn(await read(file))).toEqual({ seen_before: 1 });
    },
  );

  test('a success of another amount or recipient after a payout succeeded is a mismatch', async () => {
    for (const other of [{ amount: '999' }, { recipient: '+221771110000' }]) {
      const payout = await stand('succeeded', 'settled');
      expect(await counts([line(payout, { ...other, transaction: `T-${payout.sub}` })])).toEqual({ mismatch: 1 });
      expect(await reviewsOf(payout.id)).toEqual(['statement_mismatch']);
    }
  });

  test('the transaction that paid another payout proves nothing: a mismatch', async () => {
    const paid = await stand('succeeded', 'settled');
    const payout = await stand('unknown', 'unknown');
    expect(await counts([line(payout, { transaction: transactionOf(paid.sub) })])).toEqual({ mismatch: 1 });
    expect((await world.payout(payout.id)).state).toBe('in_review');
    expect(await reviewsOf(payout.id)).toEqual(['mismatch']);
  });

  test('any success among the lines of a reference wins, in whatever order they stand', async () => {
    for (const statuses of [
      ['failed', 'success'],
      ['success', 'failed'],
    ]) {
      const payout = await stand('unknown', 'unknown');
      const lines = statuses.map((status, index) => line(payout, { status, transaction: `T${index}-${payout.sub}` }));
      expect(await counts(lines)).toEqual({ settled: 2 });
      expect((await world.payout(payout.id)).state).toBe('succeeded');
      expect(await reviewsOf(payout.id)).toEqual([]);
    }
  });

  test('a failure beside a line in flight proves nothing', async () => {
    const payout = await stand('unknown', 'unknown');
    const lines = ['failed', 'in_flight'].map((status) =>
      line(payout, { status, transaction: `${status}-${payout.sub}` }),
    );
    expect(await counts(lines)).toEqual({ in_flight: 2 });
    expect((await world.payout(payout.id)).state).toBe('unknown');
  });

  /** A payout that truly left to a recipient of this scenario, carried by no run. */
  async function send(scenario: ScenarioName): Promise<{ id: string; sub: string; recipient: string }> {
    const recipient = world.recipientOf(scenario);
    const id = await world.accept({ recipient });
    await world.activities.authenticate({ payoutId: id, attempt: 1 });
    await new MockActivityEnvironment().run(() =>
      world.activities.submitPayout({ payoutId: id, attempt: 1, tokenVersion: 1 }),
    );
    return { id, sub: (await world.submissions(id))[0]!.id, recipient };
  }

  async function nudged(id: string): Promise<boolean> {
    const due = await claimDuePayouts(world.pool, { limit: 200, recheckMs: 3_600_000 });
    return due.some((payout) => payout.payoutId === id && payout.nudged);
  }

  test('a refusal alone fails nothing: its payout asks the provider, which shows a success', async () => {
    const payout = await send('failed_and_success');
    expect(await counts([line(payout, { status: 'failed' })])).toEqual({ to_confirm: 1 });
    expect((await world.payout(payout.id)).state).toBe('unknown');
    expect(await world.submissions(payout.id)).toMatchObject([{ outcome: 'unknown' }]);
    expect(await nudged(payout.id)).toBe(true);
    await new MockActivityEnvironment().run(() => world.activities.lookUpPayout(payout.id));
    expect((await world.payout(payout.id)).state).toBe('succeeded');
    expect(await reviewsOf(payout.id)).toEqual([]);
    expect(await world.credited(payout.recipient)).toBe(1_000n);
  });

  test('a refusal that the provider confirms fails by the look-up', async () => {
    const payout = await send('pending_failed');
    expect(await counts([line(payout, { status: 'failed' })])).toEqual({ to_confirm: 1 });
    expect((await world.payout(payout.id)).state).toBe('pending');
    expect(await nudged(payout.id)).toBe(true);
    await new MockActivityEnvironment().run(() => world.activities.pollStatus(payout.id));
    expect((await world.payout(payout.id)).state).toBe('failed');
    expect(await world.submissions(payout.id)).toMatchObject([{ outcome: 'rejected', source: 'lookup' }]);
  });

  test('a refusal of a payout in review is evidence for people and overtakes their open decision', async () => {
    const payout = await stand('in_review', 'unknown');
    const proposed = await desk.run('resolve', `propose ${payout.id} --as paid --evidence mail`);
    expect(await counts([line(payout, { status: 'failed' })])).toEqual({ for_people: 1 });
    expect((await world.payout(payout.id)).state).toBe('in_review');
    expect(await world.submissions(payout.id)).toMatchObject([{ outcome: 'unknown' }]);
    expect(await reviewsOf(payout.id)).toEqual(['statement_refusal']);
    const [decision] = /dec_\w+/.exec(proposed.printed[0]!)!;
    const confirmed = await desk.run('resolve', `confirm ${decision}`, { as: 'per_two' });
    expect(confirmed.refused).toContain('has changed since');
  });

  test('a refusal of a bulk’s line has its bulk look', async () => {
    const bulkId = newId('bulk');
    await world.pool.query(
      `insert into bulks (id, merchant_id, environment, state, reason, created_by, sweep_after)
       values ($1, $2, 'sandbox', 'running', 'accepted_by_api', 'test', clock_timestamp() + interval '1 hour')`,
      [bulkId, world.merchantId],
    );
    const id = newId('po');
    await world.pool.query(
      `insert into payouts (id, merchant_id, environment, owner, bulk_id, bulk_line, state, amount, currency, method,
         provider, credential_id, recipient_msisdn, description, customer_enc, reason, sweep_after, created_by)
       values ($1, $2, 'sandbox', 'bulk/' || $3, $3, 1, 'unknown', 1000, 'XOF', 'orange_sn', 'orange', $4, $5, 'test', '',
         'answer_lost', 'infinity', 'test')`,
      [id, world.merchantId, bulkId, world.credentialId, world.recipientOf('success')],
    );
    const sub = await insertSubmissionBySql(world.pool, { payoutId: id, attempt: 1, outcome: 'unknown' });
    const payout = { id, sub, recipient: (await world.payout(id)).recipient.msisdn! };
    expect(await counts([line(payout, { status: 'failed' })])).toEqual({ to_confirm: 1 });
    expect((await world.payout(payout.id)).state).toBe('unknown');
    expect(await claimDueBulks(world.pool, { limit: 10, recheckMs: 3_600_000 })).toEqual([{ bulkId, nudged: true }]);
  });

  test('a refusal of a final payout’s open call has its watch look again', async () => {
    const payout = await stand('succeeded', 'unknown');
    await world.pool.query("update payouts set next_watch_at = now() + interval '1 hour' where id = $1", [payout.id]);
    expect(await counts([line(payout, { status: 'failed' })])).toEqual({ to_confirm: 1 });
    expect((await world.payout(payout.id)).state).toBe('succeeded');
    const due = await claimDueWatches(world.pool, { limit: 200, recheckMs: 3_600_000 });
    expect(due.map(({ payoutId }) => payoutId)).toContain(payout.id);
  });

  test('two successes of one reference are a double credit', async () => {
    const payout = await stand('unknown', 'unknown');
    const lines = ['a', 'b'].map((name) => line(payout, { transaction: `${name}-${payout.sub}` }));
    expect(await counts(lines)).toEqual({ double_credit: 2 });
    expect((await world.payout(payout.id)).state).toBe('succeeded');
    expect(await reviewsOf(payout.id)).toEqual(['double_credit']);
  });

  test('a line that contradicts what is proven changes nothing and asks people', async () => {
    const paid = await stand('succeeded', 'settled');
    const refused = await stand('failed', 'rejected');
    expect(await counts([line(paid, { status: 'failed' }), line(refused)])).toEqual({ contradiction: 2 });
    expect([(await world.payout(paid.id)).state, await reviewsOf(paid.id)]).toEqual(['succeeded', ['contradiction']]);
    expect([(await world.payout(refused.id)).state, await reviewsOf(refused.id)]).toEqual(['failed', ['late_credit']]);
  });

  test.each([
    ['another recipient', { recipient: '+221779999999' }],
    ['what is no number', { recipient: '+abc' }],
    ['another amount', { amount: '1001' }],
  ])('a success for %s asks people and pays nothing', async (_, difference) => {
    const payout = await stand('unknown', 'unknown');
    expect(await counts([line(payout, difference)])).toEqual({ mismatch: 1 });
    expect((await world.payout(payout.id)).state).toBe('in_review');
  });

  test('the recipient is kept as a keyed hash only', async () => {
    const payout = await stand('unknown', 'unknown');
    await counts([line(payout)]);
    const { rows } = await world.pool.query<{ row: string; hash: number }>(
      'select statement_lines::text as row, length(recipient_hash) as hash from statement_lines where reference = $1',
      [payout.sub],
    );
    expect(rows[0]!.hash).toBeGreaterThanOrEqual(16);
    expect(rows[0]!.row).not.toContain(payout.recipient.slice(4));
  });

  test('a bad file is refused whole, with every problem listed', async () => {
    const payout = await stand('unknown', 'unknown');
    const { refused } = await read(
      write([
        line(payout),
        line(payout, { amount: '10.5', status: 'paid' }),
        line(payout).replace('2026-11-22T10:00:00Z', 'yesterday').replace('XOF', 'FRANCS'),
      ]),
    );
    expect(refused).toMatch(/^nothing was imported:\n/);
    for (const problem of ['line 2, amount', 'line 2, status', 'line 3, time', 'line 3, currency']) {
      expect(refused).toContain(problem);
    }
    expect((await world.payout(payout.id)).state).toBe('unknown');
  });

  test.each([
    ['a file without a column', 'reference,amount\nx,1', 'line 1, transaction_id'],
    ['what is no table', '"', 'no CSV'],
    ['an empty file', '', 'holds no line'],
  ])('%s is refused', async (_, content, why) => {
    const file = join(directory, 'bad.csv');
    writeFileSync(file, content);
    expect((await read(file)).refused).toContain(why);
  });

  test('a file that is not there is refused', async () => {
    expect((await read(join(directory, 'none.csv'))).refused).toContain('cannot be read');
  });
});
