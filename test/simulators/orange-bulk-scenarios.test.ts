import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BULK_FAULT_NAMES, BULK_SCENARIOS, type BulkScenario } from '../../src/simulators/orange';
import { bulk, bulkIdOf, bulkOrLost, creditedLines, lastBulk, linesTo, plain, postBulk } from './bulk-client';
import { eventually, startSimulator, type Answer, type OrangeClient } from './orange-client';

const table: readonly BulkScenario[] = BULK_SCENARIOS;
const magic = table.filter((scenario): scenario is BulkScenario & { code: string } => scenario.code !== null);
const TIMINGS = { slowAnswerMs: 100, lateRowMs: 150, pendingMs: 30 };

let client: OrangeClient;
beforeAll(async () => {
  client = await startSimulator({ bulk: { processingMs: 20 }, timings: TIMINGS });
});
afterAll(() => client.simulator.close());
beforeEach(() => client.simulator.reset());

function headedBy(name: string, others = 7): string[] {
  return [`7701${magic.find((scenario) => scenario.name === name)!.code}000`, ...plain(others)];
}

function answerOf(answer: Answer | 'lost'): string {
  if (answer === 'lost') return 'lost';
  const body = answer.body as Answer['body'] | null;
  return [answer.status, body?.code ?? body?.status].filter(Boolean).join(' ');
}

/** Bulks whose lines are all processed, or that never are, and rows that are settled. */
function over(): boolean {
  const { taken, processed, endedAt, bulkId } = lastBulk(client);
  return bulkId === null || (endedAt !== null && taken === processed);
}

const LINES = ['line-0', 'line-1', 'line-2', 'line-3', 'line-4', 'line-5', 'line-6', 'line-7'];

test.each(magic.map((scenario) => [scenario.name, scenario] as const))(
  '%s moves exactly the money it says',
  async (name, scenario) => {
    const answer = await bulkOrLost(client, headedBy(name));
    await eventually(() => over() && lastBulk(client).answer !== null);
    const credited = { all: LINES, first_half: LINES.slice(0, 4), none: [], dropped: [] }[scenario.takes];
    expect(creditedLines(client)).toEqual(credited);
    expect(client.simulator.ledger()).toMatchObject({ sumsToZero: true, inFlight: 0 });
    expect(lastBulk(client)).toMatchObject({ scenario: name, taken: credited.length, references: LINES });
    expect(client.simulator.requests().bulksByScenario).toEqual({ [name]: 1 });
    if (typeof scenario.answer !== 'string') {
      expect(answerOf(answer)).toBe(`${scenario.answer.http} ${scenario.answer.code ?? ''}`);
    }
  },
);

test.each([
  ['bulk_terminated', '200 TERMINATED'],
  ['bulk_rejected', '200 REJECTED'],
  ['bulk_rejected_half', '200 REJECTED'],
  ['bulk_dropped', '200 PENDING'],
  ['bulk_lost_before', 'lost'],
  ['bulk_lost_after', 'lost'],
  ['bulk_reset_before', 'lost'],
  ['bulk_reset_after', 'lost'],
  ['bulk_html_502_after', '502'],
  ['bulk_redirect_307_after', '307'],
  ['bulk_slow_headers', '200 PENDING'],
  ['bulk_malformed_body', '200'],
  ['bulk_cut_body', 'lost'],
  ['bulk_empty_body', '200'],
  ['bulk_unknown_status', '200 ON_HOLD'],
  ['bulk_doubled_rows', '200 PENDING'],
])('%s answers the client %s', async (name, seen) => {
  expect(answerOf(await bulkOrLost(client, headedBy(name)))).toBe(seen);
});

test.each([
  ['bulk_rejected', 'answer'],
  ['bulk_bad_request', 'never'],
  ['bulk_access_forbidden', 'answer'],
  ['bulk_dropped', 'never'],
  ['bulk_lost_before', 'never'],
  ['bulk_500_before', 'never'],
  ['bulk_lost_after', 'search'],
  ['bulk_500_after', 'search'],
  ['bulk_late_rows', 'search'],
])('%s: the truth of its lines is revealed by %s', async (name, revealed) => {
  await bulkOrLost(client, headedBy(name));
  await eventually(() => over() && lastBulk(client).answer !== null);
  const { references, undecidable } = client.simulator.transactions();
  expect(new Set(references.map((report) => report.revealed))).toEqual(new Set([revealed]));
  expect(undecidable).toHaveLength(revealed === 'never' ? LINES.length : 0);
});

test('a batch refused in half is told by its answer and by the rows of the other half', async () => {
  const answer = await bulk(client, headedBy('bulk_rejected_half'));
  await eventually(over);
  const rows = await client.search(`bulkId=${bulkIdOf(answer)}`);
  expect(rows.map(({ reference }) => reference)).toEqual(LINES.slice(0, 4).reverse());
  const revealed = client.simulator.transactions().references.map((report) => report.revealed);
  expect(revealed).toEqual([...Array<string>(4).fill('search'), ...Array<string>(4).fill('answer')]);
});

test('a batch refused in half hides no row, or nobody could know', async () => {
  const [head = '', ...others] = headedBy('bulk_rejected_half');
  await bulk(client, [head, '770085000', ...others.slice(1)]);
  await eventually(over);
  const { references, undecidable } = client.simulator.transactions();
  expect(references[1]).toMatchObject({ credited: expect.any(Number) as number, revealed: 'search' });
  expect(await client.search(`reference=${references[1]?.reference ?? ''}`)).toHaveLength(1);
  expect(undecidable).toEqual([]);
});

test('a line that is still to be processed is not told by REJECTED', async () => {
  client.simulator.configure({ bulk: { processingMs: 60_000 } });
  await bulk(client, headedBy('bulk_rejected_half'));
  await eventually(() => lastBulk(client).answer === '200 REJECTED');
  const revealed = client.simulator.transactions().references.map((report) => report.revealed);
  expect(revealed).toEqual([...Array<string>(4).fill('never'), ...Array<string>(4).fill('answer')]);
});

test('a batch whose answer was lost is found by time, references and its bulkId', async () => {
  const from = new Date().toISOString();
  expect(await bulkOrLost(client, headedBy('bulk_lost_after'))).toBe('lost');
  await eventually(over);
  const rows = await client.search(`fromDateTime=${from}&size=500`);
  expect(rows.map(({ reference }) => reference).reverse()).toEqual(LINES);
  expect(new Set(rows.map(({ bulkId }) => bulkId))).toEqual(new Set([lastBulk(client).bulkId]));
});

test('a terminated batch has its rows when the answer is there', async () => {
  client.simulator.configure({ bulk: { processingMs: 60_000 } });
  const answer = await bulk(client, headedBy('bulk_terminated'));
  expect(await client.search(`bulkId=${bulkIdOf(answer)}`)).toHaveLength(8);
});

test('an answer without bulkId keeps the rest, a slow one outlasts its client and takes late or early', async () => {
  const { body } = await bulk(client, headedBy('bulk_no_bulk_id'));
  expect(body).toEqual({ status: 'PENDING', description: 'Bulk received' });
  client.simulator.configure({ timings: { slowAnswerMs: 2_000 } });
  for (const [name, taken] of [
    ['bulk_slow_headers', 8],
    ['bulk_slow_body', 8],
    ['bulk_slow_then_taken', 0],
  ] as const) {
    const lines = await linesTo(client, headedBy(name));
    const send = client.send('POST', '/api/eWallet/v1/bulkcashins', {
      body: lines,
      headers: { 'X-Callback-Url': 'https://callbacks.cauri.test/x' },
      timeoutMs: 600,
    });
    await expect(send).rejects.toThrow();
    expect(lastBulk(client)).toMatchObject({ scenario: name, taken });
  }
  await eventually(() => lastBulk(client).taken === 8);
});

test.each([
  ['bulk_throttled_once', '429 9'],
  ['bulk_unauthorized_once', '401 10'],
  ['bulk_stale_key_once', '400 4003'],
])('%s is fine at the second call', async (name, refusal) => {
  const { keyId } = (await client.send('GET', '/api/account/v1/publicKeys')).body;
  const answers = [await bulkOrLost(client, headedBy(name)), await bulkOrLost(client, headedBy(name))];
  expect(answers.map(answerOf)).toEqual([refusal, '200 PENDING']);
  const after = (await client.send('GET', '/api/account/v1/publicKeys')).body.keyId;
  expect(after === keyId).toBe(name !== 'bulk_stale_key_once');
});

describe('rows', () => {
  const page = async (bulkId: string, number: number, size = 4) =>
    (await client.search(`bulkId=${bulkId}&page=${number}&size=${size}`)).map(({ reference }) => reference);

  test('of bulk_late_rows appear in half, and the rest after the batch has ended', async () => {
    client.simulator.configure({ timings: { lateRowMs: 60_000 } });
    const late = bulkIdOf(await bulk(client, headedBy('bulk_late_rows')));
    await eventually(over);
    expect(await page(late, 0, 20)).toEqual(['line-6', 'line-4', 'line-2', 'line-0']);
    client.simulator.configure({ timings: { lateRowMs: 50 } });
    const soon = bulkIdOf(await bulk(client, headedBy('bulk_late_rows')));
    await eventually(async () => (await page(soon, 0, 20)).length === 8);
  });

  test('of bulk_stragglers are written only after the batch has ended', async () => {
    client.simulator.configure({ timings: { lateRowMs: 1_000 } });
    const bulkId = bulkIdOf(await bulk(client, headedBy('bulk_stragglers')));
    await eventually(() => lastBulk(client).endedAt !== null);
    const { endedAt } = lastBulk(client);
    await eventually(over);
    const rows = client.simulator.transactions().transactions;
    expect(rows.map(({ createdAt }) => createdAt > endedAt!)).toEqual([
      ...Array<boolean>(4).fill(false),
      ...Array<boolean>(4).fill(true),
    ]);
    expect(await page(bulkId, 0, 20)).toHaveLength(8);
  });

  test('of bulk_shifting_pages move down by one each time the reader turns a page', async () => {
    client.simulator.configure({ timings: { lateRowMs: 60_000 } });
    const bulkId = bulkIdOf(await bulk(client, headedBy('bulk_shifting_pages')));
    await eventually(over);
    expect(await page(bulkId, 0)).toEqual(['line-5', 'line-4', 'line-3', 'line-2']);
    expect(await page(bulkId, 1)).toEqual(['line-2', 'line-1', 'line-0']);
    expect(await page(bulkId, 0)).toEqual(['line-6', 'line-5', 'line-4', 'line-3']);
    expect(await page(bulkId, 1)).toEqual(['line-3', 'line-2', 'line-1', 'line-0']);
    expect([...(await page(bulkId, 0)), ...(await page(bulkId, 1))]).toEqual([...LINES].reverse());
  });

  test('of bulk_shifting_pages are all there in the end, also on one page', async () => {
    const bulkId = bulkIdOf(await bulk(client, headedBy('bulk_shifting_pages')));
    await eventually(over);
    await eventually(async () => (await page(bulkId, 0, 20)).length === 8);
  });

  test('of bulk_doubled_rows are listed twice under one id, over page borders too', async () => {
    const bulkId = bulkIdOf(await bulk(client, headedBy('bulk_doubled_rows', 1)));
    await eventually(over);
    const pages = [await page(bulkId, 0, 3), await page(bulkId, 1, 3)];
    expect(pages).toEqual([['line-1', 'line-1', 'line-0'], ['line-0']]);
    expect(new Set((await client.search(`bulkId=${bulkId}`)).map(({ transactionId }) => transactionId)).size).toBe(2);
    expect(creditedLines(client)).toEqual(['line-0', 'line-1']);
  });

  test('beside a flapping line are met twice in one pass and skipped in the next', async () => {
    const bulkId = bulkIdOf(await bulk(client, [...plain(3), '770086000']));
    await eventually(over);
    expect(await page(bulkId, 0, 2)).toEqual(['line-2', 'line-1']);
    expect(await page(bulkId, 1, 2)).toEqual(['line-1', 'line-0']);
    expect(await page(bulkId, 0, 2)).toEqual(['line-3', 'line-2']);
    expect(await page(bulkId, 1, 2)).toEqual(['line-0']);
  });
});

describe('a fault is chosen', () => {
  test('by the first line alone', async () => {
    await bulk(client, [...plain(1), ...headedBy('bulk_lost_before', 0)]);
    expect(lastBulk(client).scenario).toBe('bulk_default');
  });

  test('for the batches to come, one after another, before magic number and rates', async () => {
    client.simulator.configure({ bulk: { faults: { bulk_rejected: 1 } } });
    client.simulator.planBulks({ bulks: [{ scenario: 'bulk_lost_after' }, { callbackFault: 'double' }] });
    client.simulator.planBulks({ bulks: [{ scenario: 'bulk_500_before' }] });
    await postBulk(client, []);
    const answers = [];
    for (const recipients of [plain(1), headedBy('bulk_terminated'), plain(1), plain(1)]) {
      answers.push(answerOf(await bulkOrLost(client, recipients)));
    }
    expect(answers).toEqual(['lost', '200 PENDING', '500 50', '200 REJECTED']);
    const taken = client.simulator.bulks().slice(1);
    expect(taken.map(({ callbackFault }) => callbackFault)).toEqual([null, 'double', null, null]);
  });

  test('by rate, and then depends on the seed and the first recipient alone', async () => {
    const fates = async (seed: number, heads: readonly string[]): Promise<string[]> => {
      const faults = { bulk_rejected: 0.3, bulk_500_before: 0.3 };
      const seeded = await startSimulator({ seed, bulk: { faults, callbackFaults: { lost: 0.5 } } });
      for (const head of heads) await bulk(seeded, [head, '776000000']);
      const told = seeded.simulator.bulks().map((report) => `${report.scenario ?? ''} ${report.callbackFault ?? ''}`);
      await seeded.simulator.close();
      return told;
    };
    const heads = plain(24);
    const first = await fates(1, heads);
    expect(new Set(first)).toEqual(
      new Set(['bulk_default ', 'bulk_default lost', 'bulk_rejected ', 'bulk_500_before ']),
    );
    expect((await fates(1, [...heads].reverse())).reverse()).toEqual(first);
    expect(await fates(2, heads)).not.toEqual(first);
  });
});

test.each([
  ['before_bulk', 0],
  ['after_bulk', 8],
] as const)('a hold at %s stops a bulk call there until it is released', async (point, taken) => {
  client.simulator.hold({ point });
  const answer = bulk(client, plain(8));
  await eventually(() => client.simulator.holds()[point].blocked.includes('line-0'));
  expect(lastBulk(client)).toMatchObject({ taken, answer: null });
  expect((await client.cashIn('771234567', 'unit')).body.status).toBe('SUCCESS');
  expect(client.simulator.release(point)).toBe(1);
  expect((await answer).body.status).toBe('PENDING');
});

test('all scenarios have a code and a name of their own, and only those with a code can be drawn', () => {
  expect(new Set(magic.map(({ code }) => code)).size).toBe(magic.length);
  expect(new Set(table.map(({ name }) => name)).size).toBe(table.length);
  expect(magic.every(({ code }) => /^\d\d$/.test(code))).toBe(true);
  expect(BULK_FAULT_NAMES).toEqual(magic.map(({ name }) => name));
});

test('the table of docs/simulator.md is the table of the code', () => {
  const page = readFileSync(join(__dirname, '../../docs/simulator.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `7701'));
  expect(rows).toEqual(
    magic.map(({ code, name, description }) => `| \`7701${code}nnn\` | \`${name}\` | ${description} |`),
  );
});
