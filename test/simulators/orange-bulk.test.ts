import { randomUUID } from 'node:crypto';
import { BULK, bulk, bulkIdOf, creditedLines, lastBulk, linesTo, plain, postBulk } from './bulk-client';
import { eventually, RETAILER, startSimulator, type OrangeClient } from './orange-client';

let client: OrangeClient;
beforeAll(async () => {
  client = await startSimulator({ bulk: { processingMs: 20 }, timings: { pendingMs: 30, lateRowMs: 100 } });
});
afterAll(() => client.simulator.close());
beforeEach(() => client.simulator.reset());

function ended(): Promise<void> {
  return eventually(() => lastBulk(client).endedAt !== null);
}

function violations(body: { readonly violations: readonly { field: string }[] }): string[] {
  return body.violations.map(({ field }) => field);
}

describe('a bulk call', () => {
  test('is answered with an id, PENDING and a description, and its lines are processed later', async () => {
    client.simulator.configure({ bulk: { processingMs: 2_000 } });
    const answer = await bulk(client, plain(3));
    expect([answer.status, answer.body]).toEqual([
      200,
      { bulkId: expect.stringMatching(/^[0-9a-f-]{36}$/), status: 'PENDING', description: 'Bulk received' },
    ]);
    expect(creditedLines(client)).toEqual([]);
    expect(await client.search(`bulkId=${bulkIdOf(answer)}`)).toEqual([]);
    await ended();
    expect(creditedLines(client)).toEqual(['line-0', 'line-1', 'line-2']);
    expect(client.simulator.ledger()).toMatchObject({ sumsToZero: true, inFlight: 0 });
    expect(client.simulator.ledger().balances[RETAILER]).toBe(100_000_000 - 3 * 1500);
  });

  test.each([
    ['nothing', { 'X-Callback-Url': '' }, '25'],
    ['http', { 'X-Callback-Url': 'http://callbacks.cauri.test/x' }, '26'],
    ['no URL', { 'X-Callback-Url': 'https://' }, '26'],
  ])('with %s as its callback address is refused with a string code', async (_name, headers, code) => {
    const { status, type, body } = await postBulk(client, await linesTo(client, plain(1)), headers);
    expect([status, type]).toEqual([400, expect.stringContaining('application/problem+json')]);
    expect(body).toMatchObject({ status: '400', code, instance: '/api/eWallet/v1/bulkcashins' });
    expect(violations(body)).toEqual(['X-Callback-Url']);
    expect(lastBulk(client)).toMatchObject({ bulkId: null, answer: `400 ${code}`, taken: 0 });
  });

  test('without the header is refused with 25', async () => {
    const answer = await client.send('POST', BULK, { body: await linesTo(client, plain(1)) });
    expect([answer.status, answer.body.code]).toEqual([400, '25']);
  });

  test.each([
    ['no body', '', '21'],
    ['broken JSON', '[{', '22'],
    ['an object', { items: [] }, '22'],
    ['no line', [], '22'],
  ])('with %s is refused', async (_name, body, code) => {
    expect((await postBulk(client, body)).body).toMatchObject({ status: '400', code });
  });

  test('with lines of the wrong shape is refused whole, with every violation of every line', async () => {
    const [one, two, three] = await linesTo(client, plain(3));
    const wrong = { ...two, customer: { idType: 'MSISDN', id: '221775000001' }, amount: { value: 0, unit: 'XOF' } };
    const { body } = await postBulk(client, [one, wrong, { ...three, reference: 'x'.repeat(51) }, 'four']);
    expect([body.status, body.code]).toEqual(['400', '24']);
    expect(violations(body)).toEqual(['[1].customer.id', '[1].amount.value', '[2].reference', '[3]']);
    const missing = await postBulk(client, [one, { ...two, amount: undefined }, wrong]);
    expect([missing.body.code, violations(missing.body)]).toEqual([
      '23',
      ['[1].amount', '[2].customer.id', '[2].amount.value'],
    ]);
    expect(client.simulator.transactions().transactions).toEqual([]);
  });

  test('with more lines than allowed is refused', async () => {
    client.simulator.configure({ bulk: { maxItems: 2 } });
    const tooMany = await bulk(client, plain(3));
    const fine = await bulk(client, plain(2));
    expect([tooMany.body.code, fine.status]).toEqual(['22', 200]);
    expect(tooMany.body.violations).toEqual([{ field: '', message: 'size must be between 1 and 2' }]);
  });

  test('may be far larger than the body of another endpoint', async () => {
    client.simulator.configure({ bulk: { maxItems: 100_000 } });
    const lines = await linesTo(client, plain(1), { override: { note: 'x'.repeat(3_000_000) } });
    expect((await postBulk(client, lines)).status).toBe(200);
  });

  test('of another client is refused whole', async () => {
    const [own, foreign] = await linesTo(client, plain(2));
    const partner = { ...foreign!.partner, id: '781111111' };
    const { body } = await postBulk(client, [own, { ...foreign, partner }]);
    expect([body.status, body.code]).toEqual(['403', '11']);
    await client.cashIn('771234567', 'after');
    expect(creditedLines(client)).toEqual(['after']);
  });

  test('is one request of the 60 a minute', async () => {
    await client.token();
    client.simulator.configure({ rateLimitPerMinute: 3 });
    const lines = await linesTo(client, plain(20));
    const answers = [await postBulk(client, lines), await postBulk(client, lines), await postBulk(client, lines)];
    expect(answers.map(({ status, body }) => [status, (body as { code?: string }).code])).toEqual([
      [200, undefined],
      [200, undefined],
      [429, '9'],
    ]);
    expect(client.simulator.requests()).toMatchObject({ byEndpoint: { bulkCashIn: 3 } });
  });

  test('needs a token, a JSON content type, and POST', async () => {
    const lines = await linesTo(client, plain(1));
    const answers = [
      await postBulk(client, lines, { Authorization: 'Bearer x' }),
      await postBulk(client, lines, { 'Content-Type': 'text/plain' }),
      await client.send('GET', '/api/eWallet/v1/bulkcashins'),
      await client.send('GET', `/api/eWallet/v1/bulkcashins/${randomUUID()}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 415, 405, 404]);
  });
});

describe('the PIN of a batch', () => {
  test('costs one try however many lines carry a wrong one, and refuses the whole batch', async () => {
    const wrong = await linesTo(client, plain(5), { pin: '0000' });
    const mixed = [...(await linesTo(client, plain(3))), wrong[0]];
    const codes = [];
    for (const lines of [wrong, mixed, wrong, await linesTo(client, plain(2))]) {
      codes.push((await postBulk(client, lines)).body.code);
    }
    expect(codes).toEqual(['2011', '2012', '2013', '2013']);
    expect(client.simulator.requests()).toMatchObject({ pinsWrong: 3 });
    expect((await client.cashIn('771234567', 'one')).body.code).toBe('2013');
    expect(client.simulator.transactions().transactions).toEqual([]);
  });

  test('when wrong can be told by REJECTED instead', async () => {
    client.simulator.configure({ bulk: { wrongPin: 'rejected' } });
    const answer = await postBulk(client, await linesTo(client, plain(2), { pin: '0000' }));
    expect([answer.status, answer.body]).toEqual([
      200,
      { bulkId: expect.any(String), status: 'REJECTED', description: 'Wrong PIN, two tries left' },
    ]);
    client.simulator.planBulks({ bulks: [{ scenario: 'bulk_500_before' }] });
    const second = await postBulk(client, await linesTo(client, plain(2), { pin: '0000' }));
    expect(second.body).toMatchObject({ status: 'REJECTED', description: 'Wrong PIN, one try left' });
    await eventually(() => lastBulk(client).answer === '200 REJECTED');
    expect(client.simulator.transactions()).toMatchObject({ transactions: [], undecidable: [] });
  });

  test('made with a key that was rolled gets 4003 and costs no try', async () => {
    const lines = await linesTo(client, plain(2));
    await client.simulator.rollKey();
    const wrong = await linesTo(client, plain(1), { pin: '0000' });
    expect((await postBulk(client, [...wrong, ...lines])).body.code).toBe('4003');
    expect((await postBulk(client, wrong)).body.code).toBe('2011');
  });
});

describe('a line', () => {
  const recipients = {
    success: '770001000',
    pending_success: '770002000',
    pending_failed: '770010000',
    never_final: '770011000',
    never_final_moved: '770012000',
    rejected: '770007000',
    customer_unknown: '770020000',
    ceiling_reached: '770026000',
    not_allowed: '770032000',
    unmapped_code: '770052000',
    no_code: '770053000',
    double_credit: '770083000',
    failed_and_success: '770082000',
    hidden_row: '770085000',
    // What only spoils an answer has none to spoil here.
    lost_unmoved: '770061000',
    internal_error: '770043000',
    throttled: '770047000',
    stale_key_once: '770050000',
    error_500_moved: '770056000',
    pending_51_failed: '770055000',
  };
  const SUCCESS = [['SUCCESS', undefined]];

  test('ends by the scenario of its recipient, where that says something of a line', async () => {
    const answer = await bulk(client, Object.values(recipients));
    await ended();
    const rows = await client.search(`bulkId=${bulkIdOf(answer)}&size=500`);
    const told = Object.keys(recipients).map((name, index) => [
      name,
      rows
        .filter(({ reference }) => reference === `line-${index}`)
        .map(({ status, statusReason }) => [status, statusReason])
        .sort(),
    ]);
    expect(Object.fromEntries(told)).toEqual({
      success: SUCCESS,
      pending_success: SUCCESS,
      pending_failed: [['FAILED', 'Transaction failed']],
      never_final: [['PENDING', undefined]],
      never_final_moved: [['PENDING', undefined]],
      rejected: [['REJECTED', expect.any(String)]],
      customer_unknown: [['FAILED', '2000: Customer account does not exist']],
      ceiling_reached: [['FAILED', '2023: Balance maximal']],
      not_allowed: [['FAILED', '2041: Transaction not allowed']],
      unmapped_code: [['FAILED', expect.stringMatching(/^7777: /)]],
      no_code: [['FAILED', 'Bad Request']],
      double_credit: [...SUCCESS, ...SUCCESS],
      failed_and_success: [['FAILED', 'Transaction failed'], ...SUCCESS],
      hidden_row: [],
      lost_unmoved: SUCCESS,
      internal_error: SUCCESS,
      throttled: SUCCESS,
      stale_key_once: SUCCESS,
      error_500_moved: SUCCESS,
      pending_51_failed: SUCCESS,
    });
    const { undecidable } = client.simulator.transactions();
    const names = Object.keys(recipients);
    expect(undecidable.map(({ reference }) => names[Number(reference.slice(5))])).toEqual([
      'never_final',
      'never_final_moved',
      'double_credit',
      'hidden_row',
    ]);
    expect(client.simulator.requests().cashInsByScenario).toMatchObject({ default: 6, customer_unknown: 1 });
  });

  test('that the float is too low for never comes to its scenario, and its row tells', async () => {
    client.simulator.putAccount({ msisdn: RETAILER, float: 0 });
    const answer = await bulk(client, [recipients.never_final, recipients.hidden_row]);
    await ended();
    const rows = await client.search(`bulkId=${bulkIdOf(answer)}`);
    expect(rows.map(({ reference, status }) => [reference, status])).toEqual([['line-0', 'FAILED']]);
    const { undecidable } = client.simulator.transactions();
    expect(undecidable.map(({ reference }) => reference)).toEqual(['line-1']);
  });

  test('is counted by the ledger like a unit cash-in, and its rows carry the bulkId', async () => {
    const bulkId = bulkIdOf(await bulk(client, ['770001000', '770020000']));
    await ended();
    await client.cashIn('771234567', 'unit');
    expect(client.simulator.transactions().transactions).toMatchObject([
      { bulkId, reference: 'line-0', submission: 0, moved: true, scenario: 'success' },
      { bulkId, reference: 'line-1', submission: 1, moved: false, scenario: 'customer_unknown' },
      { bulkId: null, reference: 'unit', submission: 2 },
    ]);
    expect(client.simulator.transactions().references).toMatchObject([
      { reference: 'line-0', requests: 1, answers: ['200 PENDING'], credited: 1500, revealed: 'search' },
      { reference: 'line-1', requests: 1, answers: ['200 PENDING'], credited: 0, revealed: 'search' },
      { reference: 'unit', requests: 1, answers: ['200'], credited: 1500 },
    ]);
    expect(client.simulator.requests().cashInsByReference).toEqual({ 'line-0': 1, 'line-1': 1, unit: 1 });
    const shown = (await client.search('')).map(({ reference, bulkId: id }) => [reference, id]);
    expect(shown).toEqual([
      ['unit', undefined],
      ['line-1', bulkId],
      ['line-0', bulkId],
    ]);
    expect((await client.search('reference=line-0'))[0]).toMatchObject({ bulkId, type: 'CASHIN', channel: 'API' });
  });

  test('above the float or a ceiling fails alone, with its code', async () => {
    client.simulator.putAccount({ msisdn: RETAILER, float: 4_000 });
    client.simulator.putAccount({ msisdn: '775000000', ceiling: 1_000 });
    client.simulator.putAccount({ msisdn: '775000001', suspended: true });
    const answer = await bulk(client, plain(5));
    await ended();
    const rows = await client.search(`bulkId=${bulkIdOf(answer)}`);
    expect(rows.map(({ status, statusReason }) => [status, statusReason?.slice(0, 4)]).reverse()).toEqual([
      ['FAILED', '2025'],
      ['FAILED', '2043'],
      ['SUCCESS', undefined],
      ['SUCCESS', undefined],
      ['FAILED', '2021'],
    ]);
    expect(client.simulator.ledger()).toMatchObject({ balances: { [RETAILER]: 1_000 }, sumsToZero: true });
  });

  test('gets a scenario by rate too', async () => {
    client.simulator.configure({ faults: { customer_unknown: 1 } });
    const answer = await bulk(client, plain(2));
    await ended();
    const rows = await client.search(`bulkId=${bulkIdOf(answer)}`);
    expect(rows.map(({ statusReason }) => statusReason)).toEqual(
      Array(2).fill('2000: Customer account does not exist'),
    );
  });

  test('whose scenario strikes once is fine in a later batch', async () => {
    await bulk(client, ['770051000', '770051000']);
    await ended();
    expect(creditedLines(client)).toEqual(['line-1']);
    await bulk(client, ['770051000']);
    await ended();
    expect(creditedLines(client)).toEqual(['line-1', 'line-0']);
  });

  test('takes its time, so that rows come one after another and the batch ends with the last', async () => {
    client.simulator.configure({ bulk: { processingMs: 50, itemMs: 150 } });
    await bulk(client, plain(4));
    await ended();
    const { at, endedAt } = lastBulk(client);
    const rows = client.simulator.transactions().transactions;
    rows.forEach((row, index) => expect(row.createdAt - at).toBeGreaterThanOrEqual(50 + index * 150));
    expect(endedAt! - at).toBeGreaterThanOrEqual(500);
  });

  test('that settles holds the end of its batch, one that never does not', async () => {
    client.simulator.configure({ timings: { pendingMs: 300 } });
    await bulk(client, ['770002000', '770011000']);
    await ended();
    expect(client.simulator.transactions().transactions.map(({ status }) => status)).toEqual(['SUCCESS', 'PENDING']);
  });
});

test('results are paged newest first, up to 500 a page, and only of the batch', async () => {
  const first = bulkIdOf(await bulk(client, plain(620)));
  await ended();
  await bulk(client, plain(2));
  await ended();
  const pages = [];
  for (const page of [0, 1, 2]) pages.push(await client.search(`bulkId=${first}&page=${page}&size=500`));
  expect(pages.map(({ length }) => length)).toEqual([500, 120, 0]);
  const references = pages.flat().map(({ reference }) => reference);
  expect(references).toEqual(plain(620).map((_, index) => `line-${619 - index}`));
  expect(await client.search(`bulkId=${randomUUID()}`)).toEqual([]);
  expect((await client.send('GET', `/api/eWallet/v1/transactions?bulkId=${first}&size=501`)).body.code).toBe('28');
  expect(await client.search(`bulkId=${first.toUpperCase()}&size=1`)).toHaveLength(1);
});
