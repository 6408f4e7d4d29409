import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { connect } from 'node:net';

import { forgetOldReport } from '../../src/db/bulk-errors';
import { REFUSED_ROWS_PER_DAY } from '../../src/db/receive-bulk';
import { BULK_TRANSITIONS } from '../../src/domain/bulk-state';
import { payoutRequest } from '../helpers/app';
import { eventually } from '../helpers/eventually';
import { bulkWorld, csv, line, PERSON } from './bulk-world';
import type { BulkBody, BulkWorld, Upload } from './bulk-world';

describe('bulk cash-ins', () => {
  let world: BulkWorld;
  beforeAll(async () => {
    world = await bulkWorld();
  });
  afterAll(() => world.close());

  const declared = { declared_count: '2', declared_total: '3000' };
  const two = (): Record<string, string>[] => [line({ amount: '1000' }), line({ amount: '2000' })];

  test('the transitions of code and database are equal', async () => {
    const { rows } = await world.pool.query<{ pair: string }>(
      "select from_state || ' ' || to_state as pair from bulk_transitions",
    );
    const pairs = Object.entries(BULK_TRANSITIONS).flatMap(([from, next]) => next.map((to) => `${from} ${to}`));
    expect(rows.map(({ pair }) => pair).toSorted()).toEqual(pairs.toSorted());
  });

  describe('every format gives the same lines', () => {
    const lines = two();
    const body = csv(lines);
    const objects = lines.map(({ msisdn, email, first_name, last_name, ...rest }) => ({
      ...rest,
      recipient: { msisdn },
      customer: { email, first_name, last_name },
    }));
    const form = (content: string, name: string): FormData => {
      const data = new FormData();
      data.set('declared_count', '2');
      data.set('file', new Blob([content]), name);
      data.set('declared_total', '3000');
      return data;
    };
    const uploads: Record<string, Upload> = {
      'CSV with commas': { type: 'text/csv', body, query: declared },
      'CSV with semicolons, a byte order mark and Windows line ends': {
        type: 'text/csv; charset=utf-8',
        body: `\ufeff${body.replaceAll(',', ';').replaceAll('\n', '\r\n')}`,
        query: declared,
      },
      NDJSON: {
        type: 'application/x-ndjson',
        body: objects.map((object) => JSON.stringify(object)).join('\n'),
        query: declared,
      },
      JSON: { type: 'application/json', body: JSON.stringify({ lines: objects, description: 'May' }) },
      'a form with a CSV': { body: form(body, 'may.csv') },
      'a form with NDJSON': { body: form(objects.map((object) => JSON.stringify(object)).join('\n'), 'may.ndjson') },
    };

    test.each(Object.entries(uploads))('%s', async (_name, upload) => {
      const answer = await world.send({ ...upload, query: { ...upload.query, allow_duplicates: '1,2' } });
      expect([answer.status, answer.body]).toMatchObject([
        202,
        { object: 'bulk_cash_in', state: 'ready', lines: 2, total: '3000', currency: 'XOF', skipped_lines: 0 },
      ]);
      expect(answer.headers.get('location')).toBe(`/v1/bulk-cash-ins/${answer.body.id}`);
      const items = await world.get(`/v1/bulk-cash-ins/${answer.body.id}/items`);
      expect(items.body.data).toMatchObject(
        lines.map(({ amount, msisdn, reference }, index) => ({
          line: index + 1,
          payout: {
            state: 'accepted',
            amount,
            recipient: { msisdn: `+221${msisdn}` },
            reference,
            bulk_id: answer.body.id,
          },
        })),
      );
      const { body: read } = await world.get(`/v1/bulk-cash-ins/${answer.body.id}`);
      expect(read).toMatchObject({ state: 'ready', progress: { accepted: { lines: 2, amount: '3000' } } });
      expect(await world.staged()).toBe(0);
      expect(await world.held()).toBe(0n);
    });
  });

  test('the hash is of the bytes of the lines', async () => {
    const body = csv(two());
    const { body: bulk } = await world.send({ type: 'text/csv', body, query: declared });
    expect(bulk.content_sha256).toBe(createHash('sha256').update(body).digest('hex'));
  });

  test('all errors of all lines at once, by line and column, and nothing is kept but the report', async () => {
    const bad = [
      line({ amount: '12.50', currency: 'EUR', msisdn: '12' }),
      line({}),
      line({ email: 'nobody', first_name: '' }),
    ];
    const query = { declared_count: '3', declared_total: '2000' };
    const answer = await world.send({ type: 'text/csv', body: csv(bad), query });
    expect([answer.status, answer.body.code]).toEqual([422, 'bulk_invalid']);
    const places = answer.body.errors.map(({ line: number, field }) => `${number} ${field}`);
    expect(places.toSorted()).toEqual(['1 amount', '1 currency', '1 msisdn', '3 email', '3 first_name']);
    const bulkId = answer.body.bulk_id;
    const { body: read } = await world.get(`/v1/bulk-cash-ins/${bulkId}`);
    expect(read).toMatchObject({ state: 'invalid', reason: 'refused_whole', lines: 0, progress: {} });
    const { body: report } = await world.get(`/v1/bulk-cash-ins/${bulkId}/errors?limit=2`);
    expect(report.data).toEqual(answer.body.errors.slice(0, 2));
    const { body: rest } = await world.get(`/v1/bulk-cash-ins/${bulkId}/errors?cursor=${report.next_cursor}`);
    expect([...report.data, ...rest.data]).toEqual(answer.body.errors);
    const file = await world.get(`/v1/bulk-cash-ins/${bulkId}/errors.csv`);
    expect(file.text.split('\r\n')).toHaveLength(answer.body.errors.length + 2);
    expect(await world.staged()).toBe(0);
    expect(await world.linesOf(bulkId)).toBe(0);
    const again = await world.send({ type: 'text/csv', body: csv(two()), query: declared, key: answer.key });
    expect(again.status).toBe(202);
  });

  test.each(['refused', 'only checked', 'cut off'])('one that is %s keeps nothing of its request', async (how) => {
    const form = new FormData();
    form.set('description', 'secret-description');
    form.set('metadata', JSON.stringify({ secret: 'secret-metadata' }));
    form.set('declared_count', '2');
    form.set('declared_total', how === 'refused' ? '1' : '3000');
    if (how === 'only checked') form.set('dry_run', 'true');
    form.set('file', new Blob([csv(two())]), 'may.csv');
    // The commit fails after its options were stored.
    if (how === 'cut off') {
      await world.pool.query('alter table idempotency_keys add constraint not_now check (false) not valid');
    }
    const { status, body } = await world.send({ body: form });
    if (how === 'cut off') await world.pool.query('alter table idempotency_keys drop constraint not_now');
    expect(status).toBe({ refused: 422, 'only checked': 200, 'cut off': 500 }[how]);
    const { rows } = await world.pool.query<{ id: string; row: string }>(
      `select id, (select string_agg(event::text, '') from bulk_events event where bulk_id = bulks.id) || bulks::text as row
       from bulks order by received_at desc limit 1`,
    );
    expect(rows[0]!.row).not.toContain('secret');
    const { body: read } = await world.get(`/v1/bulk-cash-ins/${rows[0]!.id}`);
    expect(read).toMatchObject({ state: 'invalid', description: null, metadata: {} });
    if (how !== 'cut off') expect([body.id, body.bulk_id]).toContain(rows[0]!.id);
  });

  test('the report of a refused one is there for a day, of one that was taken for good', async () => {
    const lines = [line({ amount: '-5' }), line({ amount: '2000' })];
    const query = { declared_count: '2', declared_total: '2000' };
    const upload = { type: 'text/csv', body: csv(lines), query };
    const bulks = [
      (await world.send(upload)).body.bulk_id,
      (await world.send(upload)).body.bulk_id,
      (await world.send({ ...upload, query: { ...query, on_invalid: 'skip' } })).body.id,
    ];
    const [old, , taken] = bulks;
    await world.pool.query("update bulks set finished_at = finished_at - interval '25 hours' where id = $1", [old]);
    await world.pool.query("update bulks set received_at = received_at - interval '25 hours' where id = $1", [taken]);
    await forgetOldReport(world.pool);
    const counts = bulks.map(async (id) => (await world.get(`/v1/bulk-cash-ins/${id}/errors`)).body.data.length);
    expect(await Promise.all(counts)).toEqual([0, 1, 1]);
  });

  describe('refused uploads that left as much as a merchant may leave a day', () => {
    const lines = [line({ amount: '-5' }), line({ amount: '2000' })];
    const query = { declared_count: '2', declared_total: '2000' };
    const upload = { type: 'text/csv', body: csv(lines), query };
    let full: string;
    beforeAll(async () => {
      full = (await world.send(upload)).body.bulk_id;
      await world.pool.query('update bulks set report_rows = $2 where id = $1', [full, REFUSED_ROWS_PER_DAY]);
    });
    afterAll(() => world.pool.query('update bulks set report_rows = 1 where id = $1', [full]));

    async function rowsOf(bulkId: string): Promise<number[]> {
      const { rows } = await world.pool.query<{ counts: number[] }>(
        `select array[(select count(*) from bulks where id = $1), (select count(*) from bulk_events where bulk_id = $1),
           (select count(*) from bulk_errors where bulk_id = $1), (select count(*) from bulk_staging where bulk_id = $1)]::integer[] as counts`,
        [bulkId],
      );
      return rows[0]!.counts;
    }

    test.each([{}, { dry_run: 'true' }])('the next is answered with its errors and leaves no row: %p', async (more) => {
      const { status, body } = await world.send({ ...upload, query: { ...query, ...more } });
      expect([status, body.errors, body.error_count, body.report]).toEqual([
        'dry_run' in more ? 200 : 422,
        [
          {
            ...{ line: 1, field: 'amount', code: 'not_valid', detail: 'give an amount above 0' },
            ...{ row: 2, reference: lines[0]!['reference'], value: '-5' },
          },
        ],
        1,
        null,
      ]);
      expect(await rowsOf('dry_run' in more ? body.id : body.bulk_id)).toEqual([0, 0, 0, 0]);
    });

    test('a good one is accepted', async () => {
      expect((await world.send({ type: 'text/csv', body: csv(two()), query: declared })).status).toBe(202);
    });

    test('of yesterday they count no more', async () => {
      await world.pool.query("update bulks set finished_at = finished_at - interval '25 hours' where id = $1", [full]);
      const { body } = await world.send(upload);
      expect([body.report, await rowsOf(body.bulk_id)]).toEqual([
        `/v1/bulk-cash-ins/${body.bulk_id}/errors`,
        [1, 2, 1, 0],
      ]);
    });

    test('no bulk that was decided can be deleted, nor its events', async () => {
      await expect(world.pool.query('delete from bulk_events where bulk_id = $1', [full])).rejects.toThrow(
        'append-only',
      );
      await expect(world.pool.query('delete from bulks where id = $1', [full])).rejects.toThrow('append-only');
    });
  });

  test('its lines are found by reference, recipient and state', async () => {
    const rows = [
      line({ msisdn: '771234567', reference: 'may 1', amount: '1000' }),
      line({ msisdn: '781234567', reference: 'may 10', amount: '2000' }),
      line({ msisdn: '+221 77 123 45 67', reference: 'may 2', amount: '3000' }),
    ];
    const query = { declared_count: '3', declared_total: '6000' };
    const { body: sent } = await world.send({ type: 'text/csv', body: csv(rows), query });
    // Another bulk pays the same person.
    await world.send({
      type: 'text/csv',
      body: csv([
        line({ msisdn: '771234567', amount: '3000', reference: 'may 1' }),
        line({ msisdn: '771234567', amount: '4000' }),
      ]),
      query: { declared_count: '2', declared_total: '7000', allow_duplicates: '1' },
    });
    const find = (filter: Record<string, string>): ReturnType<BulkWorld['get']> =>
      world.get(`/v1/bulk-cash-ins/${sent.id}/items?${new URLSearchParams(filter).toString()}`);
    const lines = async (filter: Record<string, string>): Promise<readonly number[]> =>
      (await find(filter)).body.data.map(({ line: number }) => number);
    expect(await lines({ reference: 'may 1' })).toEqual([1]);
    expect(await lines({ reference: 'may' })).toEqual([]);
    for (const recipient of ['771234567', '+221771234567', '00221 77 123 45 67', '77 123 45 67']) {
      expect([recipient, await lines({ recipient })]).toEqual([recipient, [1, 3]]);
    }
    expect(await lines({ recipient: '771234567', reference: 'may 2', status: 'accepted' })).toEqual([3]);
    expect(await lines({ recipient: '771234567', status: 'succeeded' })).toEqual([]);
    const first = await find({ recipient: '771234567', limit: '1' });
    expect(first.body).toMatchObject({ data: [{ line: 1 }], next_cursor: '1' });
    const second = await find({ recipient: '771234567', limit: '1', cursor: first.body.next_cursor });
    expect(second.body).toMatchObject({ data: [{ line: 3 }], next_cursor: null });
    expect((await find({ recipient: 'nobody' })).status).toBe(422);
  });

  test('no number in clear, no address and no text in place of a number is in the report', async () => {
    const body = csv([line({ msisdn: '999000111', email: 'secret-address', amount: 'secret-amount' })]);
    const answer = await world.send({ type: 'text/csv', body, query: { declared_count: '1', declared_total: '1' } });
    expect(answer.text).not.toMatch(/999000111|secret-/);
  });

  const wrong: readonly (readonly [string, Upload, readonly string[]])[] = [
    ['nothing declared', { type: 'text/csv', body: csv(two()) }, ['missing', 'missing']],
    [
      'a line less than declared',
      { type: 'text/csv', body: csv(two()), query: { declared_count: '3', declared_total: '3000' } },
      ['count_differs'],
    ],
    [
      'another sum than declared',
      { type: 'text/csv', body: csv(two()), query: { declared_count: '2', declared_total: '3001' } },
      ['total_differs'],
    ],
    [
      'a reference that comes twice',
      {
        type: 'text/csv',
        body: csv([line({ reference: 'r-1', amount: '1000' }), line({ reference: 'r-1', amount: '2000' })]),
        query: declared,
      },
      ['reference_twice'],
    ],
    [
      'a recipient and amount that come twice',
      {
        type: 'text/csv',
        body: csv([line({ msisdn: '771000001', amount: '1500' }), line({ msisdn: '+221771000001', amount: '1500' })]),
        query: declared,
      },
      ['same_payment_in_bulk'],
    ],
    [
      'an unknown option',
      { type: 'text/csv', body: csv(two()), query: { ...declared, colour: 'red' } },
      ['option_not_valid'],
    ],
    [
      'an unknown column',
      { type: 'text/csv', body: csv(two()).replace('description', 'colour'), query: declared },
      ['unknown_column'],
    ],
    ['no lines', { type: 'application/json', body: '{"lines":[]}' }, ['no_lines']],
    ['an unknown member', { type: 'application/json', body: '{"rows":[]}' }, ['unknown_option']],
    ['JSON that is cut off', { type: 'application/json', body: '{"lines":[{"amount":1' }, ['not_json']],
    ['broken JSON', { type: 'application/json', body: '{"lines":[}' }, ['not_json']],
    ['another JSON', { type: 'application/json', body: '[1]' }, ['not_json']],
    [
      'a line of NDJSON that is none',
      { type: 'application/x-ndjson', body: 'no\n', query: { declared_count: '1', declared_total: '0' } },
      ['not_json'],
    ],
    ['a quote that is never closed', { type: 'text/csv', body: `${csv(two())}"1000,`, query: declared }, ['not_csv']],
    [
      'text that begins as UTF-8 and is none at its end',
      {
        type: 'text/csv',
        body: Buffer.concat([Buffer.from(csv([line({ first_name: 'é' })])), Buffer.from('é', 'latin1')]),
        query: { declared_count: '1', declared_total: '1000' },
      },
      ['not_utf8'],
    ],
  ];
  test.each(wrong)('%s', async (_name, upload, codes) => {
    const answer = await world.send(upload);
    expect([answer.status, answer.body.code]).toEqual([422, 'bulk_invalid']);
    expect(answer.body.errors.map(({ code }) => code)).toEqual(codes);
    expect(await world.staged()).toBe(0);
  });

  test('a form without a file', async () => {
    const data = new FormData();
    data.set('description', 'May');
    const answer = await world.send({ body: data });
    expect(answer.body.errors.map(({ code }) => code)).toContain('file_missing');
  });

  test('other types of files', async () => {
    const answer = await world.send({ type: 'application/pdf', body: 'x' });
    expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type']);
    expect(answer.text).toContain('text/csv');
  });

  const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
  test.each([
    ['may.xlsx', XLSX],
    ['may.xlsx', 'application/octet-stream'],
    // A part without a type is plain text.
    ['may.xlsx', 'text/plain'],
    ['may.xls', 'application/vnd.ms-excel'],
    ['may.pdf', 'application/pdf'],
    ['may', 'application/pdf'],
    ['blob', 'image/png'],
  ])('a form with the file %s of %s leaves nothing', async (name, type) => {
    const content = Buffer.alloc(3_000_000, randomBytes(1_000));
    const data = new FormData();
    data.set('description', 'secret-description');
    data.set('file', new Blob([content], { type }), name);
    const answer = await world.send({ body: data });
    expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type']);
    expect(answer.text).toContain('text/csv');
    expect(await world.staged()).toBe(0);
    const { rows } = await world.pool.query<{ key: number; report: number; state: string; description: string }>(
      `select state, description, (select count(*)::int from bulk_errors where bulk_id = bulks.id) as report,
         (select count(*)::int from idempotency_keys where key = $1) as key
       from bulks order by received_at desc limit 1`,
      [answer.key],
    );
    expect(rows).toEqual([{ state: 'invalid', description: null, report: 0, key: 0 }]);
  });

  test.each([
    ['may.csv', 'application/vnd.ms-excel'],
    ['MAY.CSV', 'application/octet-stream'],
    ['may.txt', 'text/plain'],
    ['may', 'application/octet-stream'],
    ['Mai.2026', 'text/plain'],
    ['blob', 'text/csv;charset=utf-8'],
    ['may.export', 'application/csv'],
  ])('a form with the file %s of %s is a CSV', async (name, type) => {
    const data = new FormData();
    data.set('declared_count', '2');
    data.set('declared_total', '3000');
    data.set('file', new Blob([csv(two())], { type }), name);
    expect(await world.send({ body: data })).toMatchObject({ status: 202, body: { lines: 2 } });
  });

  test('where all lines are left out, there is none', async () => {
    const query = { declared_count: '1', declared_total: '0', on_invalid: 'skip' };
    const answer = await world.send({ type: 'text/csv', body: csv([line({ amount: '-5' })]), query });
    expect([answer.status, answer.body.errors.map(({ code }) => code)]).toEqual([422, ['not_valid', 'no_lines']]);
  });

  test('too many lines or bytes get the limit', async () => {
    const small = await bulkWorld({ BULK_MAX_LINES: 3, BULK_MAX_BYTES: 2_000 });
    const lines = await small.send({ type: 'application/json', body: JSON.stringify({ lines: [1, 2, 3, 4] }) });
    expect([lines.status, lines.body]).toMatchObject([413, { code: 'too_many_lines', limit: 3 }]);
    const bytes = await small.send({
      type: 'application/json',
      body: JSON.stringify({ description: 'x'.repeat(3_000) }),
    });
    expect([bytes.status, bytes.body]).toMatchObject([413, { code: 'body_too_large', limit: 2_000 }]);
    await small.close();
  });

  test('a sender who hangs up leaves a refused bulk and no line', async () => {
    const { hostname, port } = new URL(world.url);
    const socket = connect(Number(port), hostname);
    const rows = csv(Array.from({ length: 700 }, () => line({})));
    socket.write(
      `POST /v1/bulk-cash-ins?declared_count=800&declared_total=0 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${world.key}\r\n` +
        `idempotency-key: ${randomUUID()}\r\ncontent-type: text/csv\r\ncontent-length: ${rows.length + 100}\r\n\r\n${rows}`,
    );
    await eventually('a batch of its lines is stored', async () => (await world.staged()) > 0);
    socket.destroy();
    await eventually('nothing of it is left', async () => (await world.staged()) === 0);
    const { rows: bulks } = await world.pool.query('select state, reason from bulks order by received_at desc limit 1');
    expect(bulks).toEqual([{ state: 'invalid', reason: 'cut_off' }]);
  });

  test('bad lines are left out where that was asked for', async () => {
    const lines = [line({ amount: '1000' }), line({ amount: '-5' }), line({ amount: '2000' })];
    const query = { declared_count: '3', declared_total: '3000', on_invalid: 'skip' };
    const { status, body } = await world.send({ type: 'text/csv', body: csv(lines), query });
    expect([status, body]).toMatchObject([202, { lines: 2, total: '3000', skipped_lines: 1 }]);
    const { body: items } = await world.get(`/v1/bulk-cash-ins/${body.id}/items`);
    expect(items.data.map((item) => item.line)).toEqual([1, 3]);
    const { body: report } = await world.get(`/v1/bulk-cash-ins/${body.id}/errors`);
    expect(report.data).toMatchObject([{ line: 2, field: 'amount', code: 'not_valid' }]);
  });

  test.each([
    ['what can be read', '3000', 202, ['not_valid']],
    ['more, which the unreadable one may be', '4000', 202, ['not_valid', 'total_not_checked']],
    ['less than what can be read', '2999', 422, ['not_valid', 'total_differs']],
  ])('where an amount cannot be read, a total of %s', async (_name, total, status, codes) => {
    const lines = [line({ amount: '1000' }), line({ amount: '1 000' }), line({ amount: '2000' })];
    const query = { declared_count: '3', declared_total: total, on_invalid: 'skip' };
    const answer = await world.send({ type: 'text/csv', body: csv(lines), query });
    expect(answer.status).toBe(status);
    const bulkId = status === 202 ? answer.body.id : answer.body.bulk_id;
    const { body: report } = await world.get(`/v1/bulk-cash-ins/${bulkId}/errors`);
    expect((report.data as unknown as BulkBody['errors']).map(({ code }) => code)).toEqual(codes);
    // Of one that was taken, every line is in the result.
    const { text } = await world.get(`/v1/bulk-cash-ins/${bulkId}/result.csv`);
    const states = text
      .trim()
      .split('\r\n')
      .slice(1)
      .map((row) => row.split(',')[2]);
    expect(states).toEqual(status === 202 ? ['accepted', 'skipped', 'accepted'] : []);
  });

  test('what a bulk of the last days paid is refused unless it is allowed, and the same content is told', async () => {
    const body = csv(two());
    const first = await world.send({ type: 'text/csv', body, query: declared });
    const second = await world.send({ type: 'text/csv', body, query: declared });
    expect(second.body).toMatchObject({ code: 'bulk_invalid', same_content_as: first.body.id });
    expect(second.body.errors.map(({ code }) => code)).toEqual(['same_payment_before', 'same_payment_before']);
    const third = await world.send({ type: 'text/csv', body, query: { ...declared, allow_duplicates: '1,2' } });
    expect([third.status, third.body.same_content_as]).toEqual([202, first.body.id]);
  });

  test('of bulks that pay the same, sent at once under keys of their own, one is taken', async () => {
    for (let round = 0; round < 5; round += 1) {
      const upload = { type: 'text/csv', body: csv(two()), query: declared };
      const answers = await Promise.all(Array.from({ length: 3 }, () => world.send(upload)));
      const taken = answers.filter(({ status }) => status === 202);
      expect(taken).toHaveLength(1);
      for (const { status, key } of answers) {
        if (status === 202) continue;
        // One that came between the check and the end is told to come again, and learns then what stands against it.
        const { body } =
          status === 503 ? await world.send({ ...upload, key }) : answers.find((one) => one.key === key)!;
        expect(body).toMatchObject({ code: 'bulk_invalid', same_content_as: taken[0]!.body.id });
      }
    }
  });

  test('a dry run checks everything and takes nothing', async () => {
    const body = csv(two());
    const { status, body: check } = await world.send({
      type: 'text/csv',
      body,
      query: { ...declared, dry_run: 'true' },
    });
    expect([status, check]).toMatchObject([
      200,
      {
        would_be_accepted: true,
        lines: 2,
        needed_float: '3000',
        currency: 'XOF',
        routes: [{ method: 'orange_sn', provider: 'orange', has_credential: true }],
        estimated_duration_seconds: null,
        fees: null,
        error_count: 0,
      },
    ]);
    expect(await world.linesOf(check.id)).toBe(0);
    expect(await world.staged()).toBe(0);
    const bad = await world.send({
      type: 'text/csv',
      body: csv([line({ amount: '0' })]),
      query: { ...declared, dry_run: 'true' },
    });
    expect([bad.status, bad.body]).toMatchObject([200, { would_be_accepted: false }]);
  });

  describe('references', () => {
    const of = (...references: string[]): string =>
      csv(references.map((reference) => line({ amount: '1000', reference })));
    const declare = (count: number): Record<string, string> => ({
      declared_count: String(count),
      declared_total: String(1_000 * count),
    });

    test('that look alike are the same, and invisible characters are named', async () => {
      const { status, body } = await world.send({
        type: 'text/csv',
        body: of('INV-1', 'INV-1\u200b', 'PAY-\u00e9', 'PAY-e\u0301'),
        query: declare(4),
      });
      expect([status, body.errors]).toMatchObject([
        422,
        [
          { line: 2, field: 'reference', code: 'not_valid' },
          { line: 4, field: 'reference', code: 'reference_twice' },
        ],
      ]);
      expect(body.errors[0]?.detail).toContain('U+200B');
    });

    test('of an earlier file or payout are warnings in dry run, answer and report', async () => {
      const [ofBulk, ofPayout] = [randomUUID(), randomUUID()];
      const first = await world.send({ type: 'text/csv', body: of(ofBulk), query: declare(1) });
      const single = await world.post('/v1/payouts', payoutRequest({ reference: ofPayout }));
      const upload = { type: 'text/csv', body: of(ofBulk, randomUUID(), ofPayout), query: declare(3) };
      const check = await world.send({ ...upload, query: { ...upload.query, dry_run: 'true' } });
      const accepted = await world.send(upload);
      expect([check.status, accepted.status]).toEqual([200, 202]);
      for (const { body } of [check, accepted]) {
        const { warning_count: count, warnings } = body as unknown as { warning_count: number; warnings: object[] };
        expect([count, warnings]).toMatchObject([
          2,
          [
            {
              line: 1,
              code: 'reference_used_before',
              detail: expect.stringContaining(`${first.body.id}, line 1`) as string,
            },
            { line: 3, code: 'reference_used_before', detail: expect.stringContaining(single.body.id) as string },
          ],
        ]);
      }
      const { body: report } = await world.get(`/v1/bulk-cash-ins/${accepted.body.id}/errors`);
      expect(report.data).toMatchObject([{ line: 1 }, { line: 3 }]);
    });

    test('of an earlier payout are errors where the merchant asks for unique ones', async () => {
      const reference = randomUUID();
      await world.post('/v1/payouts', payoutRequest({ reference }));
      const upload = { type: 'text/csv', body: of(reference, randomUUID()) };
      const query = { ...declare(2), reference_unique: 'true' };
      const refused = await world.send({ ...upload, query });
      expect([refused.status, refused.body.errors]).toMatchObject([
        422,
        [{ line: 1, field: 'reference', code: 'reference_used_before' }],
      ]);
      const skipping = await world.send({ ...upload, query: { ...query, on_invalid: 'skip' } });
      expect([skipping.status, skipping.body]).toMatchObject([202, { lines: 1, skipped_lines: 1 }]);
    });

    test('of many unique bulks and payouts at once exactly one is accepted', async () => {
      for (let round = 0; round < 5; round += 1) {
        const reference = randomUUID();
        const query = { ...declare(1), reference_unique: 'true' };
        const amounts = ['1000', '1001', '1002'];
        const bulks = amounts.map((amount) => ({
          type: 'text/csv',
          body: csv([line({ amount, reference })]),
          query: { ...query, declared_total: amount },
        }));
        const answers = await Promise.all([
          ...bulks.map((upload) => world.send(upload)),
          world.post('/v1/payouts', payoutRequest({ reference, reference_unique: true })),
        ]);
        expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
        for (const { status } of answers) expect([202, 409, 422, 503]).toContain(status);
      }
    });
  });

  test('a time that has passed is named beside the errors of the lines', async () => {
    const past = { ...declared, scheduled_at: '2020-01-01T00:00:00Z' };
    const { status, body } = await world.send({ type: 'text/csv', body: csv([line({ amount: '0' })]), query: past });
    expect([status, body.code]).toEqual([422, 'bulk_invalid']);
    const fields = body.errors.map((error) => (error as unknown as { field: string }).field);
    expect(fields).toEqual(expect.arrayContaining(['amount', 'declared_count', 'scheduled_at']));
    const dryRun = { ...past, dry_run: 'true' };
    const check = await world.send({ type: 'text/csv', body: csv(two()), query: dryRun });
    expect(check.body).toMatchObject({ would_be_accepted: false, errors: [{ field: 'scheduled_at' }] });
  });

  describe('idempotency', () => {
    test('the same request again has the same answer', async () => {
      const upload = { type: 'text/csv', body: csv(two()), query: declared, key: randomUUID() };
      const first = await world.send(upload);
      expect(first.body).toMatchObject({ created_by: `person:${PERSON}` });
      const second = await world.send(upload);
      expect([second.status, second.body]).toEqual([202, first.body]);
      expect(second.headers.get('idempotent-replayed')).toBe('true');
    });

    test('another content under the same key is refused', async () => {
      const key = randomUUID();
      await world.send({ type: 'text/csv', body: csv(two()), query: declared, key });
      const other = await world.send({ type: 'text/csv', body: csv(two()), query: declared, key });
      expect([other.status, other.body.code]).toEqual([409, 'idempotency_key_reused']);
    });

    test('many at once make one bulk', async () => {
      const upload = { type: 'text/csv', body: csv(two()), query: declared, key: randomUUID() };
      const answers = await Promise.all(Array.from({ length: 8 }, () => world.send(upload)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
      expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
      expect(await world.linesOf(answers[0]!.body.id)).toBe(2);
      expect(await world.staged()).toBe(0);
    });
  });

  test('a stranger sees nothing of it', async () => {
    const { body } = await world.send({ type: 'text/csv', body: csv(two()), query: declared });
    const answer = await world.get(`/v1/bulk-cash-ins/${body.id}`, world.strangersKey);
    expect(answer.status).toBe(404);
  });

  test('its lines are not cancelled or retried from beside it', async () => {
    const { body } = await world.send({ type: 'text/csv', body: csv(two()), query: declared });
    const items = await world.get(`/v1/bulk-cash-ins/${body.id}/items`);
    const path = `/v1/payouts/${items.body.data[0]!.payout.id}`;
    for (const answer of [
      await world.post(`${path}/cancel`),
      await world.post(`${path}/retry`, { expected_attempt: 1 }),
    ]) {
      const { status, body: refused } = answer;
      expect([status, refused]).toMatchObject([409, { code: 'owned_by_bulk', bulk_id: body.id }]);
    }
  });

  test('the person who sent it stands in its history', async () => {
    const { body } = await world.send({ type: 'text/csv', body: csv(two()), query: declared });
    const { rows } = await world.pool.query<{ actor: string; to_state: string }>(
      'select actor, to_state from bulk_events where bulk_id = $1 order by sequence',
      [body.id],
    );
    expect(rows).toEqual([
      { actor: `person:${PERSON}`, to_state: 'receiving' },
      { actor: `person:${PERSON}`, to_state: 'ready' },
    ]);
  });

  describe('the list', () => {
    interface Listed {
      data: { id: string; state: string; created_by: string }[];
      next_cursor: string | null;
    }
    const list = async (query: string, key?: string): Promise<Listed> =>
      (await world.get(`/v1/bulk-cash-ins?${query}`, key)).body as unknown as Listed;

    test('pages over all bulks of the merchant once, newest first', async () => {
      const { body: own } = await world.send({ type: 'text/csv', body: csv(two()), query: declared });
      const newest = (await list('limit=1')).data[0];
      expect(newest).toMatchObject({ id: own.id, created_by: `person:${PERSON}` });
      const { rows } = await world.pool.query<{ id: string }>(
        'select id from bulks where merchant_id = $1 order by received_at desc, id desc',
        [world.merchantId],
      );
      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const page: Listed = await list(`limit=40${cursor === '' ? '' : `&cursor=${cursor}`}`);
        seen.push(...page.data.map(({ id }) => id));
        cursor = page.next_cursor;
      }
      expect(seen).toEqual(rows.map(({ id }) => id));
    });

    test('is narrowed by state, time and content', async () => {
      const { body: own } = await world.send({ type: 'text/csv', body: csv(two()), query: declared });
      const { data } = await list(`content_sha256=${own.content_sha256}`);
      expect(data.map(({ id }) => id)).toEqual([own.id]);
      expect((await list(`content_sha256=${own.content_sha256}&state=cancelled`)).data).toEqual([]);
      expect((await list('state=invalid,cancelled')).data.map(({ state }) => state)).not.toContain(own.state);
      expect((await list('state=running,ready,awaiting_float&limit=100')).data.map(({ id }) => id)).toContain(own.id);
      expect((await list('created_after=2999-01-01T00:00:00Z')).data).toEqual([]);
      expect((await list('created_before=2000-01-01T00:00:00Z')).data).toEqual([]);
    });

    test('holds no bulk of another merchant, and names what is wrong with a filter', async () => {
      expect((await list('limit=100', world.strangersKey)).data).toEqual([]);
      const { status, body } = await world.get('/v1/bulk-cash-ins?state=lost&cursor=x&colour=red');
      expect(status).toBe(422);
      expect(body.errors.map((error) => (error as unknown as { parameter: string }).parameter).sort()).toEqual([
        'colour',
        'cursor',
        'state',
      ]);
    });
  });
});
