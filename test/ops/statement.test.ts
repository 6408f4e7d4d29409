import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MockActivityEnvironment } from '@temporalio/testing';

import { createApiKey } from '../../src/db/api-keys';
import { claimDueBulks } from '../../src/db/bulk-sweeps';
import { newId } from '../../src/db/ids';
import { claimDueLateChecks, readLateRound } from '../../src/db/late-checks';
import { claimDuePayouts } from '../../src/db/sweeps';
import type { SubmissionOutcome } from '../../src/domain/outcome';
import type { PayoutState } from '../../src/domain/payout-state';
import type { ScenarioName } from '../../src/simulators/orange';
import { ACCOUNT, createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { addOperators, addVerifiedOperators } from '../helpers/persons';
import { confirmBySql, insertSubmissionBySql, refusal, standPayout, transactionOf } from '../helpers/standing-payout';
import { periodOptions, writeStatement } from '../helpers/statements';
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
    {
      transaction = transactionOf(of.sub),
      amount = '1000',
      recipient = of.recipient,
      status = 'success',
      time = new Date().toISOString(),
    } = {},
  ): string {
    return [of.sub, transaction, amount, 'XOF', recipient, status, time].join(',');
  }

  function write(lines: readonly string[], header = HEADER): string {
    files += 1;
    const file = join(directory, `statement-${files}.csv`);
    // Two files of the same lines would be one file: the number of blank lines at the end tells them apart.
    writeFileSync(file, `${[header, ...lines].join('\n')}\n${'\n'.repeat(files)}`);
    return file;
  }

  /** As `per_one` imports it, after another operator did. */
  async function read(file: string): Promise<Answer> {
    const hash = createHash('sha256').update(readFileSync(file)).digest();
    await writeStatement(world.pool, { account: ACCOUNT, hash, by: ['per_two'] });
    return await importAs('per_one', file);
  }

  function importAs(as: string, file: string, { account = ACCOUNT, period = periodOptions() } = {}): Promise<Answer> {
    return desk.run('statement', `import ${file} --provider orange --account ${account} ${period}`, { as });
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

  describe('by one operator alone', () => {
    beforeAll(() => addVerifiedOperators(world.pool, 'per_three', 'per_four'));

    const imported = async (as: string, file: string): Promise<Record<string, number>> =>
      countsIn(await importAs(as, file));

    test.each([
      ['unknown', 'unknown'],
      ['pending', 'accepted'],
      ['processing', null],
      ['in_review', 'unknown'],
    ] as const)('settles nothing of a payout that is %s: another one imports the same file', async (state, outcome) => {
      const payout = await stand(state, outcome);
      const file = write([line(payout)]);
      expect(await imported('per_one', file)).toEqual({ to_confirm: 1 });
      expect(await imported('per_one', file)).toEqual({ seen_before: 1 });
      expect((await world.payout(payout.id)).state).toBe(state);
      expect(await world.submissions(payout.id)).toMatchObject([{ outcome }]);
      const { rows } = await world.pool.query<{ nudged: boolean }>('select nudged from payouts where id = $1', [
        payout.id,
      ]);
      expect(rows).toEqual([{ nudged: state !== 'in_review' }]);
      expect(await imported('per_two', file)).toEqual({ settled: 1 });
      expect((await world.payout(payout.id)).state).toBe(state === 'in_review' ? 'in_review' : 'succeeded');
      expect(await world.submissions(payout.id)).toMatchObject([{ outcome: 'settled', source: 'statement' }]);
      expect(await imported('per_three', file)).toEqual({ known: 1 });
    });

    test('nor with one who invited the other within 30 days, belongs to the merchant’s side, or is not verified', async () => {
      const payout = await stand('unknown', 'unknown');
      const file = write([line(payout)]);
      await world.pool.query(
        "insert into person_acts (person_id, act, key_id) values ('per_three', 'invited', 'key_per_one')",
      );
      const tenant = { merchantId: world.merchantId, environment: 'sandbox' } as const;
      const subject = { kind: 'person', personId: 'per_four' } as const;
      await createApiKey(world.pool, { role: 'merchant', ...tenant, subject });
      await addOperators(world.pool, 'per_new');
      expect(await imported('per_one', file)).toEqual({ to_confirm: 1 });
      expect(await imported('per_three', file)).toEqual({ seen_before: 1 });
      expect(await imported('per_four', file)).toEqual({ seen_before: 1 });
      expect((await importAs('per_new', file)).refused).toContain('per_new is not verified');
      expect((await world.payout(payout.id)).state).toBe('unknown');
      expect(await imported('per_two', file)).toEqual({ settled: 1 });
    });

    test('two successes of one reference open the question and settle nothing', async () => {
      const payout = await stand('unknown', 'unknown');
      const lines = ['A', 'B'].map((name) => line(payout, { transaction: `${name}-${payout.sub}` }));
      expect(await imported('per_one', write(lines))).toEqual({ double_credit: 2 });
      expect(await world.submissions(payout.id)).toMatchObject([{ outcome: 'unknown' }]);
      expect(await reviewsOf(payout.id)).toEqual(['double_credit']);
    });

    test('PostgreSQL refuses it, whoever writes: one vote, votes in one transaction, another account, a later sending', async () => {
      const settle = async (sourceId: string): Promise<string> => {
        const { sub } = await stand('unknown', 'unknown');
        return await refusal(
          world.pool.query(
            `update submissions set outcome = 'settled', source = 'statement', source_id = $2, provider_reference = 'T' || id
             where id = $1`,
            [sub, sourceId],
          ),
        );
      };
      expect(await settle('0123456789ab:1')).toBe('CA004');
      expect(await settle(await writeStatement(world.pool, { account: ACCOUNT, by: ['per_one'] }))).toBe('CA004');
      expect(await settle(await writeStatement(world.pool, { account: '770000009' }))).toBe('CA004');
      const [from, to] = [new Date(Date.now() - 9 * 86_400_000), new Date(Date.now() - 8 * 86_400_000)];
      expect(await settle(await writeStatement(world.pool, { account: ACCOUNT, period: { from, to } }))).toBe('CA004');
      const hash = randomBytes(32);
      const sourceId = await writeStatement(world.pool, { account: ACCOUNT, by: ['per_one'], hash });
      const both = `insert into statement_votes (provider, file_hash, key_id)
        values ('orange', $1, 'key_per_two'), ('orange', $1, 'key_per_three')`;
      expect(await refusal(world.pool.query(both, [hash]))).toBe('23505');
      await writeStatement(world.pool, { account: ACCOUNT, by: ['per_two'], hash });
      expect(await settle(sourceId)).toBe('done');
    });
  });

  test('a statement names an account of ours and its period, and is refused whole outside of plausible times', async () => {
    const payout = await stand('unknown', 'unknown');
    const at = (time: string): string =>
      write([line(payout, { time }), line(payout, { transaction: `x${payout.sub}` })]);
    const refusedOf = async (file: string, options?: { account?: string; period?: string }): Promise<string | null> =>
      (await importAs('per_one', file, options)).refused;
    const now = write([line(payout)]);
    const year = new Date().getUTCFullYear();
    expect((await desk.run('statement', `import ${now} --provider orange`)).refused).toBe('--account is missing');
    expect(await refusedOf(now, { account: '770000009' })).toContain('is no account of ours');
    expect(await refusedOf(now, { period: '--from 2026-11-31 --to 2026-12-01' })).toContain('is no day');
    expect(await refusedOf(at('1999-11-22T10:00:00Z'))).toContain('line 1: 1999-11-22T10:00:00.000Z');
    const invented = { period: '--from 1999-11-01 --to 1999-11-30' };
    expect(await refusedOf(write([line(payout, { time: '1999-11-22T10:00:00Z' })]), invented)).toContain(
      'not plausible',
    );
    const future = { period: `--from ${year}-01-01 --to ${year + 1}-12-31` };
    expect(await refusedOf(write([line(payout, { time: `${year + 1}-01-22T10:00:00Z` })]), future)).toContain(
      'in the future',
    );
    expect(await refusedOf(now, future)).toContain('not plausible');
    expect((await world.payout(payout.id)).state).toBe('unknown');
    const { rows } = await world.pool.query('select 1 from statement_lines where reference = $1', [payout.sub]);
    expect(rows).toEqual([]);
    expect(await refusedOf(now)).toBeNull();
    const [from] = periodOptions().split(' --to ');
    const other = {
      period: `${from!.replace(/\d{4}-\d{2}-\d{2}/, `${year}-11-01`)} --to ${new Date().toISOString().slice(0, 10)}`,
    };
    expect(await refusedOf(now, other)).toContain('as of another account or period');
    const late = `insert into statement_lines select provider, file_hash, 99, reference, transaction_id, amount, currency, status,
        recipient_hash, '1999-11-22', imported_by, imported_at, effect from statement_lines where reference = $1`;
    expect(await refusal(world.pool.query(late, [payout.sub]))).toBe('CA005');
  });

  test('a success of another account, or of a time before the call, is a mismatch', async () => {
    const [foreign, early] = [await stand('unknown', 'unknown'), await stand('unknown', 'unknown')];
    await world.pool.query(
      `insert into credentials (id, merchant_id, environment, provider, operator, transaction_type, role, account_number, id_type, secret_enc, pin_enc)
       select id || '_other', merchant_id, environment, provider, operator, transaction_type, 'backup', '770000008', id_type, secret_enc, pin_enc
       from credentials where account_number = $1 limit 1`,
      [ACCOUNT],
    );
    const file = write([line(foreign)]);
    expect(countsIn(await importAs('per_one', file, { account: '770000008' }))).toEqual({ mismatch: 1 });
    const before = write([line(early, { time: new Date(Date.now() - 16 * 60_000).toISOString() })]);
    expect(countsIn(await read(before))).toEqual({ mismatch: 1 });
    for (const { id } of [foreign, early]) {
      expect((await world.payout(id)).state).toBe('in_review');
      expect(await world.submissions(id)).toMatchObject([{ outcome: 'unknown' }]);
      expect(await reviewsOf(id)).toEqual(['statement_mismatch']);
    }
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
      const { rows } = await world.pool.query(
        'select at_once and next_late_check_at <= now() as due from late_checks where submission_id = $1',
        [payout.sub],
      );
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

  test('a refusal of a final payout’s open call has late checks ask for it at once', async () => {
    const payout = await stand('succeeded', 'unknown');
    expect(await counts([line(payout, { status: 'failed' })])).toEqual({ to_confirm: 1 });
    expect((await world.payout(payout.id)).state).toBe('succeeded');
    const due = await claimDueLateChecks(world.pool, { limit: 200, recheckMs: 3_600_000 });
    expect(due).toEqual([{ credentialId: world.credentialId, provider: 'orange' }]);
    const { checks } = await readLateRound(world.pool, world.credentialId);
    expect(checks.map(({ submission }) => submission.id)).toContain(payout.sub);
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
        line(payout, { time: 'yesterday' }).replace('XOF', 'FRANCS'),
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
    expect((await importAs('per_one', file)).refused).toContain(why);
  });

  test('a file that is not there is refused', async () => {
    expect((await importAs('per_one', join(directory, 'none.csv'))).refused).toContain('cannot be read');
  });
});
