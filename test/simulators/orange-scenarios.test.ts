import { SCENARIOS, type Scenario } from '../../src/simulators/orange';
import { eventually, startSimulator, type Answer, type OrangeClient } from './orange-client';

const AMOUNT = 1500;
const TIMINGS = { slowAnswerMs: 150, lateRowMs: 150, pendingMs: 50 };
const scenarios: readonly Scenario[] = SCENARIOS;
const magic = scenarios.filter((scenario): scenario is Scenario & { code: string } => scenario.code !== null);

let client: OrangeClient;

beforeAll(async () => {
  client = await startSimulator({ timings: TIMINGS });
});
afterAll(() => client.simulator.close());
beforeEach(() => client.simulator.reset());

function recipient(name: string, tail = '123'): string {
  return `7700${magic.find((scenario) => scenario.name === name)!.code}${tail}`;
}

/** How much of a reference is truly credited once all is over, by the plan of the scenario. */
function expectedCredit(scenario: Scenario): number {
  const paid = scenario.rows.filter(
    (row) => row.first === 'SUCCESS' || row.last === 'SUCCESS' || row.movesUnseen === true,
  );
  return paid.length * AMOUNT;
}

function credited(reference: string): number {
  const { credits } = client.simulator.ledger();
  return credits.filter((credit) => credit.reference === reference).reduce((sum, { amount }) => sum + amount, 0);
}

function answerOf(answer: Answer | 'lost'): string {
  return answer === 'lost'
    ? 'lost'
    : [answer.status, (answer.body as typeof answer.body | null)?.code].filter(Boolean).join(' ');
}

test.each(magic.map((scenario) => [scenario.name, scenario] as const))(
  '%s moves exactly the money it says',
  async (name, scenario) => {
    const answer = await client.cashInOrLost(recipient(name), name);
    const settles = scenario.rows.some((row) => row.last !== undefined);
    if (settles) {
      await eventually(() =>
        client.simulator.transactions().transactions.every((row) => row.settleAt === null || row.status === row.last),
      );
    }
    expect(credited(name)).toBe(expectedCredit(scenario));
    expect(client.simulator.ledger().sumsToZero).toBe(true);
    expect(client.simulator.transactions().transactions).toHaveLength(scenario.rows.length);
    if (typeof scenario.answer !== 'string') {
      expect(answerOf(answer)).toBe([scenario.answer.http, scenario.answer.code].filter(Boolean).join(' '));
    }
    await eventually(() => client.simulator.transactions().references[0]?.answers[0] !== null);
    const [report] = client.simulator.transactions().references;
    expect(report).toMatchObject({
      reference: name,
      requests: 1,
      credited: expectedCredit(scenario),
      revealed: scenario.revealed,
    });
    const undecidable = ['never', 'contradictory'].includes(scenario.revealed);
    expect(client.simulator.transactions().undecidable.map((entry) => entry.reference)).toEqual(
      undecidable ? [name] : [],
    );
  },
);

test.each(magic.filter((s) => s.revealed === 'search').map((s) => [s.name]))(
  '%s is revealed by the search in the end',
  async (name) => {
    await client.cashInOrLost(recipient(name), name);
    const paid = credited(name) > 0 || name.endsWith('_success') || name === 'success';
    const last = paid ? 'SUCCESS' : /^(rejected|cancelled)$/.test(name) ? name.toUpperCase() : 'FAILED';
    await eventually(async () => (await client.search(`reference=${name}`)).some((row) => row.status === last));
  },
);

test.each(magic.filter((s) => s.once === true).map((s) => [s.name]))(
  '%s is fine at the second request',
  async (name) => {
    const first = await client.cashIn(recipient(name), 'call-1');
    const second = await client.cashIn(recipient(name), 'call-2');
    expect(first.status).toBeGreaterThanOrEqual(400);
    expect(second.body).toMatchObject({ status: 'SUCCESS', reference: 'call-2' });
    expect(client.simulator.ledger().credits.map(({ reference }) => reference)).toEqual(['call-2']);
  },
);

test('all scenarios have a code and a name of their own, and codes are two digits', () => {
  expect(new Set(magic.map(({ code }) => code)).size).toBe(magic.length);
  expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
  expect(magic.every(({ code }) => /^\d\d$/.test(code))).toBe(true);
});

test('the default path is PENDING and then SUCCESS when there is a settlement delay', async () => {
  client.simulator.configure({ settlementDelayMs: 2_000 });
  const { body } = await client.cashIn('771234567', 'later');
  expect(body.status).toBe('PENDING');
  expect(client.simulator.ledger()).toMatchObject({ credits: [], inFlight: AMOUNT, sumsToZero: true });
  await eventually(async () => (await client.status(body.transactionId)) === 'SUCCESS');
  expect(client.simulator.ledger()).toMatchObject({
    inFlight: 0,
    sumsToZero: true,
    credits: [{ scenario: 'default' }],
  });
});

test.each([
  ['accepted_success', 'ACCEPTED'],
  ['initiated_success', 'INITIATED'],
  ['pre_initiated_success', 'PRE_INITIATED'],
  ['failed', 'FAILED'],
  ['rejected', 'REJECTED'],
  ['cancelled', 'CANCELLED'],
  ['never_final', 'PENDING'],
  ['unknown_status', 'ON_HOLD'],
])('%s answers 200 with %s', async (name, status) => {
  const answer = await client.cashIn(recipient(name), name);
  expect([answer.status, answer.body.status]).toEqual([200, status]);
});

test.each([
  ['lost_moved', 'lost'],
  ['reset_unmoved', 'lost'],
  ['cut_body', 'lost'],
  ['html_502_moved', '502'],
  ['redirect_307_moved', '307'],
  ['redirect_302_moved', '302'],
])('%s answers the client %s', async (name, seen) => {
  expect(answerOf(await client.cashInOrLost(recipient(name), name))).toBe(seen);
});

test('answers can be malformed, empty, of another reference, without reference or id', async () => {
  const answers = new Map<string, Answer>();
  for (const name of ['malformed_body', 'empty_body', 'other_reference', 'no_reference', 'no_transaction_id']) {
    answers.set(name, await client.cashIn(recipient(name), name));
  }
  expect(answers.get('malformed_body')).toMatchObject({ status: 200, body: null, text: expect.stringMatching(/^\{/) });
  expect(answers.get('empty_body')).toMatchObject({ status: 200, text: '' });
  expect(answers.get('other_reference')!.body.reference).not.toBe('other_reference');
  expect(answers.get('no_reference')!.body).not.toHaveProperty('reference');
  expect(answers.get('no_transaction_id')!.body).not.toHaveProperty('transactionId');
});

test('slow answers outlast a client that gives up, and money moves before, or only after', async () => {
  client.simulator.configure({ timings: { slowAnswerMs: 4_000 } });
  for (const name of ['slow_headers', 'slow_body']) {
    expect(await client.cashInOrLost(recipient(name), name, { timeoutMs: 1_000 })).toBe('lost');
    expect(credited(name)).toBe(AMOUNT);
  }
  expect(await client.cashInOrLost(recipient('slow_then_moves'), 'slow_then_moves', { timeoutMs: 1_000 })).toBe('lost');
  expect(credited('slow_then_moves')).toBe(0);
  await eventually(() => credited('slow_then_moves') === AMOUNT);
});

test.each([
  ['redirect_307_moved', 2],
  ['redirect_302_moved', 2],
  ['redirect_307_unmoved', 1],
])('%s: a client that follows the redirect moves money, seen in the ledger', async (name, times) => {
  await client.cashIn(recipient(name), name, { redirect: 'follow' });
  expect(credited(name)).toBe(times * AMOUNT);
  expect(client.simulator.ledger().credits.at(-1)).toMatchObject({ scenario: 'followed_redirect' });
});

test('the search misrepresents rows as its scenarios say', async () => {
  for (const name of ['row_wrong_amount', 'row_wrong_recipient', 'failed_and_success', 'double_credit', 'hidden_row']) {
    await client.cashInOrLost(recipient(name), name);
  }
  expect((await client.search('reference=row_wrong_amount'))[0]!.amount.value).toBe(AMOUNT + 1);
  expect((await client.search('reference=row_wrong_recipient'))[0]!.customer.id).not.toBe(
    recipient('row_wrong_recipient'),
  );
  const statuses = async (name: string) => (await client.search(`reference=${name}`)).map((row) => row.status).sort();
  expect(await statuses('failed_and_success')).toEqual(['FAILED', 'SUCCESS']);
  expect(await statuses('double_credit')).toEqual(['SUCCESS', 'SUCCESS']);
  expect(await statuses('hidden_row')).toEqual([]);
  client.simulator.configure({ showReferences: ['hidden_row'] });
  expect(await statuses('hidden_row')).toEqual(['SUCCESS']);
});

test('a flapping row comes and goes before it stays', async () => {
  await client.cashInOrLost(recipient('flapping_row'), 'flapping');
  const seen = [];
  for (let n = 0; n < 5; n += 1) seen.push((await client.search('reference=flapping')).map((row) => row.status).join());
  expect(seen).toEqual(['', 'PENDING', '', 'PENDING', 'SUCCESS']);
});

test('a flapping row stays in the end for who reads on to it, however many rows came after it', async () => {
  await client.cashInOrLost(recipient('flapping_row'), 'flapping');
  for (const reference of ['one', 'two', 'three', 'four']) await client.cashIn('771000001', reference);
  const seen = [];
  for (let n = 0; n < 5; n += 1) {
    await client.search('page=0&size=2');
    await client.search('page=1&size=2');
    seen.push((await client.search('page=2&size=2')).map((row) => row.status).join());
  }
  expect(seen).toEqual(['', 'PENDING', '', 'PENDING', 'SUCCESS']);
});

test('rows can be hidden and shown while running, which makes lost ones undecidable', async () => {
  await client.cashInOrLost(recipient('lost_moved'), 'lost');
  await eventually(() => client.simulator.transactions().references[0]?.answers[0] === 'lost');
  client.simulator.configure({ hideReferences: ['lost'] });
  expect(await client.search('reference=lost')).toEqual([]);
  expect(client.simulator.transactions().undecidable).toEqual([{ reference: 'lost', revealed: 'never' }]);
  client.simulator.configure({ showReferences: ['lost'] });
  expect(await client.search('reference=lost')).toHaveLength(1);
  expect(client.simulator.transactions().undecidable).toEqual([]);
});

test('random faults depend on the seed and the recipient alone', async () => {
  const fates = async (seed: number): Promise<string> => {
    const seeded = await startSimulator({ seed, faults: { failed: 0.3, customer_unknown: 0.3 } });
    const seen = [];
    for (let n = 10; n < 40; n += 1) seen.push(answerOf(await seeded.cashIn(`7712345${n}`, `r${n}`)));
    const scenarios = seeded.simulator.transactions().references.map((report) => report.scenarios[0]);
    await seeded.simulator.close();
    expect(new Set(scenarios)).toEqual(new Set(['default', 'failed', 'customer_unknown']));
    return JSON.stringify([seen, scenarios]);
  };
  const [first, again, other] = [await fates(1), await fates(1), await fates(2)];
  expect(again).toBe(first);
  expect(other).not.toBe(first);
});

test.each(['before_move', 'after_move'] as const)(
  'a hold at %s stops a cash-in there until it is released',
  async (point) => {
    client.simulator.hold({ point });
    const answer = client.cashIn('771234567', 'held');
    await eventually(() => client.simulator.holds()[point].blocked.includes('held'));
    expect(credited('held')).toBe(point === 'after_move' ? AMOUNT : 0);
    const passing = await client.cashIn('771234568', 'passing');
    expect(passing.status).toBe(200);
    expect(client.simulator.release()).toBe(1);
    expect((await answer).body.status).toBe('SUCCESS');
    expect(credited('held')).toBe(AMOUNT);
  },
);

test('a held cash-in whose client is gone moves money when it is released', async () => {
  client.simulator.hold({ point: 'before_move', count: null });
  const lost = client.cashInOrLost('771234567', 'held', { timeoutMs: 1_000 });
  expect(await lost).toBe('lost');
  await eventually(() => client.simulator.transactions().undecidable.length === 1);
  client.simulator.release();
  await eventually(() => credited('held') === AMOUNT);
  expect(client.simulator.transactions().undecidable).toEqual([]);
});
