import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Webhook } from 'standardwebhooks';

import { createApiKey } from '../../src/db/api-keys';
import { newId } from '../../src/db/ids';
import { migrate } from '../../src/db/migrate';
import { WEBHOOK_EVENTS } from '../../src/domain/webhook-event';
import { createDocumentedFetch } from '../helpers/documented-fetch';
import type { DocumentedFetch } from '../helpers/documented-fetch';
import { eventually } from '../helpers/eventually';
import { payoutWorkflowId } from '../../src/workflows/contract';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { query, startPostgres, withDatabase } from '../helpers/postgres';
import type { StartedPostgres } from '../helpers/postgres';
import { startProduct } from '../helpers/product';
import type { ProductProcess } from '../helpers/product';
import { startTemporalServer } from '../helpers/temporal-server';
import type { StartedTemporalServer } from '../helpers/temporal-server';

const SECRET = `whsec_${randomBytes(24).toString('base64')}`;

interface Heard {
  type: string;
  id: string;
  eventId: string;
}

describe('the whole system, over all its processes, on bad days', () => {
  let directory: string;
  let postgres: StartedPostgres;
  let temporal: StartedTemporalServer;
  let world: PayoutWorld;
  let api: ProductProcess;
  let worker: ProductProcess;
  let receiver: Server;
  let key: string;
  let fetchApi: DocumentedFetch;
  const heard: Heard[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'cauri-system-'));
    postgres = await startPostgres({ directory: path.join(directory, 'postgres') });
    await query(postgres.url, 'create database cauri');
    const databaseUrl = withDatabase(postgres.url, 'cauri');
    await migrate(databaseUrl);
    temporal = await startTemporalServer({ databaseFile: path.join(directory, 'temporal.db') });
    world = await createPayoutWorld({ databaseUrl, temporal: temporal.address });
    const tenant = { merchantId: world.merchantId, environment: 'sandbox' } as const;
    ({ key } = await createApiKey(world.pool, {
      role: 'merchant',
      ...tenant,
      subject: { kind: 'system', systemId: 'sys_test', responsiblePersonId: 'per_shop' },
    }));
    await endpoint(await startReceiver());
    // Nobody listens there: a dead endpoint beside the living one.
    await endpoint('http://127.0.0.1:9/dead');
    worker = startProduct('worker', world.env);
    api = startProduct('api', world.env);
    fetchApi = await createDocumentedFetch(`http://127.0.0.1:${await api.port()}`);
    await worker.port();
  }, 120_000);

  afterAll(async () => {
    await api.kill('SIGTERM');
    await worker.kill('SIGTERM');
    await world.close();
    receiver.close();
    await temporal.close();
    await postgres.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function startReceiver(): Promise<string> {
    receiver = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        );
        // Throws, and so answers nothing good, where the signature is not ours.
        const event = new Webhook(SECRET).verify(Buffer.concat(chunks).toString(), headers) as {
          type: string;
          data: { id: string };
        };
        heard.push({ type: event.type, id: event.data.id, eventId: headers['webhook-id'] ?? '' });
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks`;
  }

  async function endpoint(target: string): Promise<void> {
    await world.pool.query(
      `insert into webhook_endpoints (id, merchant_id, environment, url, events, secret_enc)
       values ($1, $2, 'sandbox', $3, $4, $5)`,
      [
        newId('we'),
        world.merchantId,
        target,
        WEBHOOK_EVENTS,
        await world.vault.seal(world.merchantId, 'webhook-secret', SECRET),
      ],
    );
  }

  async function post(recipient: string, idempotencyKey: string = randomUUID(), at?: Date): Promise<Response> {
    return await fetchApi('/v1/payouts', {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'idempotency-key': idempotencyKey,
      },
      body: JSON.stringify({
        amount: 1_000,
        currency: 'XOF',
        description: 'wages',
        method: 'orange_sn',
        recipient: { msisdn: recipient },
        customer: { email: 'awa@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
        ...(at === undefined ? {} : { scheduled_at: at.toISOString() }),
      }),
    });
  }

  async function accepted(recipient: string, idempotencyKey?: string, at?: Date): Promise<string> {
    const answer = await post(recipient, idempotencyKey, at);
    expect(answer.status).toBe(202);
    return ((await answer.json()) as { id: string }).id;
  }

  async function webhookOf(payoutId: string, type: string): Promise<Heard> {
    return await eventually(`${type} of ${payoutId}`, () =>
      heard.find((event) => event.id === payoutId && event.type === type),
    );
  }

  async function untilFinal(payoutId: string): Promise<string> {
    const read = async (): Promise<string> => {
      const answer = await fetchApi(`/v1/payouts/${payoutId}`, { headers: { authorization: `Bearer ${key}` } });
      return ((await answer.json()) as { state: string }).state;
    };
    const isFinal = (state: string): boolean => ['succeeded', 'failed', 'cancelled'].includes(state);
    return await eventually(
      `${payoutId} is final`,
      async () => {
        const state = await read();
        return isFinal(state) && state;
      },
      90_000,
    );
  }

  async function heldByProvider(): Promise<void> {
    await eventually('the provider holds the cash-in', () =>
      Object.values(world.simulator.holds()).some(({ blocked }) => blocked.length > 0),
    );
  }

  test('carries a payout from HTTP to its verified webhook, past a dead endpoint', async () => {
    const recipient = world.recipientOf('pending_success');
    const id = await accepted(recipient);
    expect(await untilFinal(id)).toBe('succeeded');
    await webhookOf(id, 'payout.succeeded');
    expect(heard.filter((event) => event.id === id).map(({ type }) => type)).toEqual([
      'payout.processing',
      'payout.succeeded',
    ]);
    expect(await world.credited(recipient)).toBe(1_000n);
  });

  test('goes on after the worker was killed in the middle', async () => {
    const recipient = world.recipientOf('success');
    world.simulator.hold({ point: 'after_move', count: 1 });
    const id = await accepted(recipient);
    await heldByProvider();
    await worker.kill();
    world.simulator.release();
    worker = startProduct('worker', world.env);
    expect(await untilFinal(id)).toBe('succeeded');
    expect(await world.credited(recipient)).toBe(1_000n);
    await webhookOf(id, 'payout.succeeded');
  });

  test('takes a payout up again whose run was terminated, without being asked', async () => {
    const recipient = world.recipientOf('success');
    const id = await accepted(recipient, undefined, new Date(Date.now() + 10_000));
    const handle = world.client.workflow.getHandle(payoutWorkflowId(id));
    const { runId } = await eventually('it has a run', () => handle.describe().catch(() => null));
    await handle.terminate('test');
    await eventually('it has another run', async () => (await handle.describe()).runId !== runId);
    expect(await untilFinal(id)).toBe('succeeded');
    expect(await world.credited(recipient)).toBe(1_000n);
  });

  test('accepts with Temporal stopped, and carries what it accepted when it is back', async () => {
    await temporal.close();
    const recipients = Array.from({ length: 5 }, () => world.recipientOf('success'));
    const ids = await Promise.all(recipients.map((recipient) => accepted(recipient)));
    const { port } = temporal;
    temporal = await startTemporalServer({ databaseFile: path.join(directory, 'temporal.db'), port });
    for (const id of ids) expect(await untilFinal(id)).toBe('succeeded');
    for (const recipient of recipients) expect(await world.credited(recipient)).toBe(1_000n);
  }, 120_000);

  test('answers 503 with PostgreSQL stopped, half does nothing, and goes on when it is back', async () => {
    const recipient = world.recipientOf('success');
    const idempotencyKey = randomUUID();
    const { port, directory: data } = postgres;
    await postgres.close();
    const refused = await post(recipient, idempotencyKey);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    postgres = await startPostgres({ directory: data, port });
    const id = await accepted(recipient, idempotencyKey);
    expect(await untilFinal(id)).toBe('succeeded');
    expect(await world.credited(recipient)).toBe(1_000n);
  }, 120_000);

  test('a payout that is under way while PostgreSQL is restarted is paid once', async () => {
    const recipient = world.recipientOf('success');
    world.simulator.hold({ point: 'after_move', count: 1 });
    const id = await accepted(recipient);
    await heldByProvider();
    const { port, directory: data } = postgres;
    await postgres.close();
    world.simulator.release();
    postgres = await startPostgres({ directory: data, port });
    expect(await untilFinal(id)).toBe('succeeded');
    expect(await world.credited(recipient)).toBe(1_000n);
  }, 120_000);
});
