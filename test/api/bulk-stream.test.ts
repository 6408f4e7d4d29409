import { findBulk } from '../../src/db/bulk-rows';
import { moveBulk } from '../../src/db/move-bulk';
import type { BulkState } from '../../src/domain/bulk-state';
import { eventually } from '../helpers/eventually';
import { openEventStream } from '../helpers/event-stream';
import type { EventStream } from '../helpers/event-stream';
import { bulkWorld, csv, line } from './bulk-world';
import type { BulkWorld } from './bulk-world';

const LINES = 3;

describe('the stream of a bulk', () => {
  let world: BulkWorld;
  const opened: EventStream[] = [];
  beforeAll(async () => {
    world = await bulkWorld();
  });
  afterEach(() => {
    for (const stream of opened.splice(0)) stream.leave();
  });
  afterAll(() => world.close());

  async function send(): Promise<string> {
    const { body } = await world.send({
      type: 'text/csv',
      body: csv(Array.from({ length: LINES }, () => line({ amount: '1000' }))),
      query: { declared_count: `${LINES}`, declared_total: `${LINES * 1_000}` },
    });
    return body.id;
  }

  async function open(bulkId: string, lastEventId?: string): Promise<EventStream> {
    const url = `${world.url}/v1/bulk-cash-ins/${bulkId}/stream`;
    const stream = await openEventStream(url, {
      key: world.key,
      ...(lastEventId === undefined ? {} : { lastEventId }),
    });
    opened.push(stream);
    return stream;
  }

  async function move(bulkId: string, ...states: BulkState[]): Promise<void> {
    for (const to of states) {
      const bulk = await findBulk(world.pool, bulkId);
      await moveBulk(world.pool, bulk!, { to, actor: 'system', reason: 'held' });
    }
  }

  async function endLine(bulkId: string, number: number): Promise<void> {
    await world.pool.query(
      "update payouts set state = 'cancelled', version = version + 1 where bulk_id = $1 and bulk_line = $2",
      [bulkId, number],
    );
  }

  /** Readings of this bulk from now on. */
  function countReadings(bulkId: string): { count(): number } {
    const queries = jest.spyOn(world.pool, 'query');
    return {
      count: () =>
        (queries.mock.calls as unknown as [unknown, unknown[] | undefined][]).filter(
          ([sql, values]) => typeof sql === 'string' && sql.includes('bulk_samples') && values?.[0] === bulkId,
        ).length,
    };
  }

  const told = ({ events }: EventStream): string[] =>
    events.map(({ event, data }) => (event === 'state' ? `${String(data['from'])} ${String(data['to'])}` : event));

  test('tells how it stands, then each change once, then its end', async () => {
    const id = await send();
    const stream = await open(id);
    expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
    const [first] = await stream.until(1);
    expect(first!.data).toEqual((await world.get(`/v1/bulk-cash-ins/${id}`)).body);
    await move(id, 'running');
    await stream.until(3);
    await endLine(id, 1);
    const { data: third } = (await stream.until(4))[3]!;
    expect(third).toMatchObject({ state: 'running', progress: { accepted: { lines: 2 }, cancelled: { lines: 1 } } });
    for (const number of [2, 3]) await endLine(id, number);
    await move(id, 'completed');
    await eventually('it ends', () => stream.ending());
    expect(stream.ending()).toBe('complete');
    // The lines may have been seen before the bulk's own change.
    expect(told(stream).slice(0, 4)).toEqual(['progress', 'ready running', 'progress', 'progress']);
    expect(told(stream).slice(-3)).toEqual(['running completed', 'progress', 'end']);
    expect(stream.events.at(-1)!.data).toMatchObject({ state: 'completed', progress: { cancelled: { lines: 3 } } });
    expect((await open(id, stream.events.at(-1)!.id)).status).toBe(204);
  });

  test('after a reconnect no transition is lost and none repeated, wherever it was cut', async () => {
    const id = await send();
    const whole = await open(id);
    await whole.until(1);
    // Faster than it is read.
    await move(id, 'running', 'paused', 'running', 'paused');
    await whole.until(6);
    await move(id, 'stopping');
    await whole.until(8);
    await move(id, 'cancelled');
    await eventually('it ends', () => whole.ending());
    const all = ['ready running', 'running paused', 'paused running', 'running paused'];
    all.push('paused stopping', 'stopping cancelled');
    expect(told(whole).filter((each) => each.includes(' '))).toEqual(all);
    for (const [index, { id: lastEventId }] of whole.events.slice(0, -1).entries()) {
      const again = await open(id, lastEventId);
      await eventually('it ends', () => again.ending());
      const before = told(whole).slice(0, index + 1);
      const transitions = [...before, ...told(again)].filter((each) => each.includes(' '));
      expect([lastEventId, transitions]).toEqual([lastEventId, all]);
      expect(told(again).at(-1)).toBe('end');
    }
  });

  test('who was told everything hears nothing until something changes; an id of nobody begins anew', async () => {
    const id = await send();
    const first = await open(id);
    const second = await open(id, (await first.until(1))[0]!.id);
    const strange = await open(id, 'no id of ours');
    const ahead = await open(id, '99.0123456789ab');
    await Promise.all([strange.until(1), ahead.until(1)]);
    await move(id, 'running');
    await Promise.all([second.until(2), strange.until(3), ahead.until(3)]);
    expect(told(second)).toEqual(['ready running', 'progress']);
    expect(told(strange)).toEqual(['progress', 'ready running', 'progress']);
    expect(told(ahead)).toEqual(['progress', 'ready running', 'progress']);
  });

  test('many watchers cost one reading a second, and none where nobody is left', async () => {
    const id = await send();
    const readings = countReadings(id);
    const begunAt = Date.now();
    const streams = await Promise.all(Array.from({ length: 8 }, () => open(id)));
    await Promise.all(streams.map((stream) => stream.until(1)));
    await eventually('it was read a few times', () => readings.count() >= 4);
    expect(readings.count()).toBeLessThanOrEqual(Math.ceil((Date.now() - begunAt) / 1_000) + 1);
    await move(id, 'running');
    await Promise.all(streams.map((stream) => stream.until(3)));
    for (const stream of streams) expect(told(stream)).toEqual(['progress', 'ready running', 'progress']);
    // One that leaves does not end it for the others.
    for (const stream of streams.slice(1)) stream.leave();
    await move(id, 'paused');
    expect(told({ ...streams[0]!, events: (await streams[0]!.until(5)).slice(3) })).toEqual([
      'running paused',
      'progress',
    ]);
    streams[0]!.leave();
    await eventually('it is read no longer', async () => {
      const before = readings.count();
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      return readings.count() === before;
    });
    expect(world.logLines.filter((each) => each.includes('a request failed'))).toEqual([]);
  });

  test('silence is broken by comments, and no time limit of requests cuts it', async () => {
    const id = await send();
    const stream = await open(id);
    await eventually('a comment', () => stream.comments() > 0);
    await move(id, 'running');
    await stream.until(3);
    expect([told(stream), stream.ending()]).toEqual([['progress', 'ready running', 'progress'], null]);
  });

  test('ends for a key that is revoked while it is open, and goes on for others', async () => {
    const id = await send();
    const key = await world.keyOf({ kind: 'system', systemId: 'watcher' });
    const url = `${world.url}/v1/bulk-cash-ins/${id}/stream`;
    const [revoked, other] = [await openEventStream(url, { key }), await open(id)];
    opened.push(revoked);
    await revoked.until(1);
    await world.pool.query("update api_keys set revoked_at = now() where system_id = 'watcher'");
    await eventually('its stream ends', () => revoked.ending() !== null);
    expect([revoked.ending(), other.ending()]).toEqual(['complete', null]);
    await expect(world.get(`/v1/bulk-cash-ins/${id}`, key)).resolves.toMatchObject({ status: 401 });
  });

  test('a stranger’s does not exist', async () => {
    const id = await send();
    const address = `/v1/bulk-cash-ins/${id}/stream`;
    expect((await world.get(address, world.strangersKey)).status).toBe(404);
    expect((await world.get(address, 'nobody')).status).toBe(401);
    const { status, body } = await fetch(`${world.url}${address}`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${world.key}` },
    });
    expect([status, body]).toEqual([200, null]);
  });
});
