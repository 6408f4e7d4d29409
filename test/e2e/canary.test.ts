import proto from '@temporalio/proto';
import { Client, Connection } from '@temporalio/client';

import { createApiKey } from '../../src/db/api-keys';
import { payoutWorkflowId } from '../../src/workflows/contract';
import { findCanaries } from '../../src/prove/canary-scan';
import { eventually } from '../helpers/eventually';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { startProduct } from '../helpers/product';
import type { ProductProcess } from '../helpers/product';

const PIN = 'C4N4RYP1N0123456789';
const CLIENT_SECRET = 'canary-client-secret-0123456789';
const PHONE = '775550199';
const EMAIL = 'canary.recipient@example.com';

/** Columns that hold a recipient's number on purpose, readable to those who run the database. */
const PHONE_COLUMNS = new Set(['payouts.recipient_msisdn']);

describe('secrets and personal data', () => {
  let world: PayoutWorld;
  let api: ProductProcess;
  let worker: ProductProcess;
  let key: string;
  let url: string;
  const errorAnswers: string[] = [];
  const payoutIds: string[] = [];

  beforeAll(async () => {
    world = await createPayoutWorld({
      pin: PIN,
      clientSecret: CLIENT_SECRET,
      simulator: {
        accounts: [{ msisdn: '781234567', code: '123456', pin: PIN, float: 100_000_000 }],
        clients: [{ clientId: 'sandbox-client', clientSecret: CLIENT_SECRET, retailerCodes: '*' }],
      },
    });
    const tenant = { merchantId: world.merchantId, environment: 'sandbox' } as const;
    ({ key } = await createApiKey(world.pool, {
      role: 'merchant',
      ...tenant,
      subject: { kind: 'system', systemId: 'sys_test', responsiblePersonId: 'per_shop' },
    }));
    const env = { ...world.env, LOG_LEVEL: 'trace' };
    worker = startProduct('worker', env);
    api = startProduct('api', env);
    url = `http://127.0.0.1:${await api.port()}`;
    await worker.port();
    await carryPayouts();
    await provokeErrors();
  });

  afterAll(async () => {
    await api.kill();
    await worker.kill();
    await world.close();
  });

  async function post(body: unknown, idempotencyKey: string): Promise<Response> {
    return await fetch(`${url}/v1/payouts`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'idempotency-key': idempotencyKey,
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  function order(msisdn: string): Record<string, unknown> {
    return {
      amount: 1_000,
      currency: 'XOF',
      description: 'wages',
      method: 'orange_sn',
      recipient: { msisdn },
      customer: { email: EMAIL, first_name: 'Awa', last_name: 'Ndiaye', phone: `+221${PHONE}` },
    };
  }

  async function carryPayouts(): Promise<void> {
    const numbers = [
      PHONE,
      ...(['customer_unknown', 'lost_moved', 'malformed_body', 'unauthorized_once', 'stale_key_once'] as const).map(
        (scenario) => world.recipientOf(scenario).replace('+221', ''),
      ),
    ];
    for (const [index, number] of numbers.entries()) {
      const answer = await post(order(number), `canary-${index}`);
      const text = await answer.text();
      if (answer.status !== 202) throw new Error(`${answer.status} ${text}`);
      payoutIds.push((JSON.parse(text) as { id: string }).id);
    }
    for (const id of payoutIds) await world.untilState(id, 'succeeded', 'failed');
  }

  /** Bad requests that carry marked values, a wrong PIN, and a provider that answers badly. */
  async function provokeErrors(): Promise<void> {
    const bad = [
      await post({ ...order(PHONE), amount: '-1', recipient: { msisdn: `+44${PHONE}`, pin: PIN } }, 'bad-1'),
      await post({ ...order(PHONE), amount: 2_000 }, 'canary-0'),
      await post(`{"recipient":"${PHONE}", "pin":"${PIN}`, 'bad-2'),
      await fetch(`${url}/v1/payouts?recipient=${PHONE}&status=nonsense`, {
        headers: { authorization: `Bearer ${PIN}` },
      }),
      await fetch(`${url}/v1/nowhere/${PIN}`, { headers: { authorization: `Bearer ${key}` } }),
    ];
    for (const answer of bad) {
      expect(answer.status).toBeGreaterThanOrEqual(400);
      errorAnswers.push(await answer.text());
    }
    world.simulator.putAccount({ msisdn: '781234567', pin: '1111' });
    const { id } = (await (await post(order(PHONE), 'canary-wrong-pin')).json()) as { id: string };
    payoutIds.push(id);
    await eventually('the wrong PIN is refused', async () => (await world.payout(id)).reason === 'credential_blocked');
  }

  async function secrets(): Promise<readonly string[]> {
    const { rows } = await world.pool.query<{ token_enc: Buffer }>('select token_enc from provider_tokens');
    const tokens = await Promise.all(
      rows.map(({ token_enc }) => world.vault.open(world.merchantId, 'provider-token', token_enc)),
    );
    expect(tokens.length).toBeGreaterThan(0);
    return [PIN, CLIENT_SECRET, key, ...tokens];
  }

  async function marked(): Promise<readonly string[]> {
    return [...(await secrets()), PHONE, EMAIL];
  }

  async function rawHistory(payoutId: string): Promise<Buffer> {
    const { history } = await world.client.workflowService.getWorkflowExecutionHistory({
      namespace: 'default',
      execution: { workflowId: payoutWorkflowId(payoutId) },
    });
    return Buffer.from(proto.temporal.api.history.v1.History.encode(history ?? {}).finish());
  }

  test('lie in no log line', async () => {
    expect(api.log().length).toBeGreaterThan(500);
    expect(findCanaries(api.log(), await marked())).toEqual([]);
    expect(findCanaries(worker.log(), await marked())).toEqual([]);
  });

  test('a planted log line would be found', async () => {
    const planted = `${worker.log()}\n${JSON.stringify({ msg: 'oops', body: Buffer.from(PIN).toString('base64') })}`;
    expect(findCanaries(planted, await marked())).toEqual([PIN]);
  });

  test('lie in no error answer and in no metric', async () => {
    for (const answer of errorAnswers) expect(findCanaries(answer, await marked())).toEqual([]);
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
    const metricsPort = /"metricsPort":(\d+)/.exec(api.log())![1]!;
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const workerMetrics = await (await fetch(`http://127.0.0.1:${await worker.port()}/metrics`)).text();
    expect(metrics).toContain('cauri_http_request_seconds_count');
    expect(findCanaries(metrics + workerMetrics, await marked())).toEqual([]);
  });

  test('lie in no raw history and in no search attribute', async () => {
    for (const id of payoutIds) {
      const history = await rawHistory(id);
      expect(history.length).toBeGreaterThan(500);
      expect(findCanaries(history, await marked())).toEqual([]);
      const described = await world.client.workflow.getHandle(payoutWorkflowId(id)).describe();
      const attributes = Buffer.from(
        proto.temporal.api.common.v1.SearchAttributes.encode(
          described.raw.workflowExecutionInfo?.searchAttributes ?? {},
        ).finish(),
      );
      expect(findCanaries(attributes, await marked())).toEqual([]);
    }
  });

  test('a history written with the codec off would be found, one with it on is not', async () => {
    const connection = await Connection.connect({ address: world.env['TEMPORAL_ADDRESS']! });
    const open = new Client({ connection });
    try {
      for (const [client, expected] of [
        [open, [PIN]],
        [world.client, []],
      ] as const) {
        const workflowId = `canary-${Math.random()}`;
        await client.workflow.start('nothing', { taskQueue: 'nobody', workflowId, args: [PIN] });
        const { history } = await client.workflowService.getWorkflowExecutionHistory({
          namespace: 'default',
          execution: { workflowId },
        });
        const raw = Buffer.from(proto.temporal.api.history.v1.History.encode(history ?? {}).finish());
        expect(findCanaries(raw, [PIN])).toEqual(expected);
        await client.workflow.getHandle(workflowId).terminate();
      }
    } finally {
      await connection.close();
    }
  });

  test('lie in no column of the database but the recipient’s number in its own', async () => {
    const canaries = await marked();
    const { rows: columns } = await world.pool.query<{ table_name: string; column_name: string }>(
      `select table_name, column_name from information_schema.columns
       where table_schema = 'public' order by table_name, column_name`,
    );
    expect(columns.length).toBeGreaterThan(100);
    const places: string[] = [];
    for (const { table_name: table, column_name: column } of columns) {
      const { rows } = await world.pool.query<{ value: string | null }>(
        `select string_agg("${column}"::text, ' ') as value from "${table}"`,
      );
      const found = findCanaries(rows[0]?.value ?? '', canaries);
      if (found.length > 0) places.push(`${table}.${column}`);
    }
    expect(places).toEqual([...PHONE_COLUMNS]);
  });
});
