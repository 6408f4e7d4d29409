import Ajv from 'ajv/dist/2020';
import addFormats from 'ajv-formats';

import { createApp } from '../../src/api/app';
import { WEBHOOK_EVENTS } from '../../src/domain/webhook-event';
import { seedMerchant, startTestApp } from '../helpers/app';
import type { ApiAnswer, TestApp } from '../helpers/app';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(async () => {
  await app.close();
});

interface Operation {
  operationId: string;
  security: unknown[];
  parameters?: { in: string; name: string; required?: boolean }[];
  responses: Record<string, unknown>;
  requestBody?: { content: Record<string, { schema: Schema; example?: unknown }> };
}
interface Schema {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  example?: unknown;
}
interface Document {
  components: { schemas: Record<string, Schema> };
  webhooks: Record<string, { post: Operation }>;
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
}

const read = async (): Promise<Document> => (await app.request('GET', '/openapi.json')).body as unknown as Document;

test('every route that the app answers is in the document, and nothing else', async () => {
  const mounted = new Set<string>();
  for (const { route } of createApp(app.deps).router.stack) {
    if (!route || route.path.startsWith('/docs/assets')) continue;
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    const methods = new Set(route.stack.map(({ method }) => method));
    // One with every method that there is answers the wrong ones.
    if (methods.size > 5) continue;
    for (const method of methods) mounted.add(`${method} ${path}`);
  }
  const { openapi, paths } = await read();
  expect(openapi).toBe('3.1.0');
  const documented = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  );
  expect(documented.sort()).toEqual([...mounted].sort());
  expect(documented).toContain('post /v1/payouts');
});

test('operations have names of their own, say who may call them, and document their errors', async () => {
  const operations = Object.values((await read()).paths).flatMap((item) => Object.values(item));
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  const guarded = operations.filter(({ security }) => security.length > 0);
  expect(guarded.length).toBeGreaterThan(10);
  for (const { operationId, responses } of guarded) {
    expect([operationId, Object.keys(responses)]).toEqual([
      operationId,
      expect.arrayContaining(['401', '403', '500', '503']),
    ]);
  }
});

test('the key of idempotency is asked for where it is needed', async () => {
  const { paths } = await read();
  for (const path of ['/v1/payouts', '/v1/payouts/{payoutId}/retry']) {
    expect(paths[path]?.['post']?.parameters).toContainEqual(
      expect.objectContaining({ in: 'header', name: 'Idempotency-Key', required: true }),
    );
  }
});

test('the docs page works without the internet', async () => {
  const page = await app.request('GET', '/docs');
  expect(page.headers.get('content-type')).toContain('text/html');
  const linked = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!);
  expect(linked).toHaveLength(4);
  for (const link of linked) {
    const response = await fetch(new URL(link, app.url));
    expect([link, response.status, new URL(response.url).origin]).toEqual([link, 200, app.url]);
    await response.arrayBuffer();
  }
  // Nothing in the page itself runs: the policy allows files of ours alone.
  expect(page.text).not.toMatch(/<script>|onload=/);
});

describe('what the docs page sends at the first click', () => {
  const parameterExamples = (operation: Operation): { query: string; key: string } => {
    const ofParameters = (operation.parameters ?? []) as { in: string; name: string; schema: Schema }[];
    const given = ofParameters.filter(({ schema }) => schema.example !== undefined);
    const query = given.filter((parameter) => parameter.in === 'query');
    return {
      query: new URLSearchParams(
        query.map(({ name, schema }): [string, string] => [name, String(schema.example)]),
      ).toString(),
      key: String(given.find(({ name }) => name === 'Idempotency-Key')?.schema.example),
    };
  };

  async function click(path: string, type: string): Promise<ApiAnswer> {
    const merchant = await seedMerchant(app.pool);
    const document = await read();
    const operation = document.paths[path]!['post']!;
    const { schema, example } = operation.requestBody!.content[type]!;
    const named = document.components.schemas[schema.$ref?.split('/').at(-1) ?? ''];
    const body = example ?? named?.example;
    const { query, key } = parameterExamples(operation);
    const headers = type === 'multipart/form-data' ? {} : { 'content-type': type };
    return await app.request('POST', `${path}?${query}`, {
      ...{ key: merchant.key, idempotencyKey: key, headers },
      raw:
        type === 'multipart/form-data' ? formOf(body as Form) : typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  type Form = { file: string } & Record<string, unknown>;

  function formOf({ file, ...options }: Form): FormData {
    const form = new FormData();
    for (const [name, value] of Object.entries(options)) form.set(name, String(value));
    form.set('file', new Blob([file], { type: 'text/csv' }), 'salaries.csv');
    return form;
  }

  test('a payout is accepted', async () => {
    expect(await click('/v1/payouts', 'application/json')).toMatchObject({ status: 202, body: { amount: '5000' } });
  });

  test.each(['text/csv', 'application/x-ndjson', 'application/json', 'multipart/form-data'])(
    'a bulk as %s is accepted',
    async (type) => {
      const answer = await click('/v1/bulk-cash-ins', type);
      expect(answer).toMatchObject({ status: 202, body: { lines: 2, total: '12500' } });
    },
  );

  test('every media type of an upload has a schema and an example', async () => {
    const { content } = (await read()).paths['/v1/bulk-cash-ins']!['post']!.requestBody!;
    expect(Object.keys(content).length).toBeGreaterThan(3);
    for (const [type, { schema, example }] of Object.entries(content)) {
      expect([type, Object.keys(schema).length > 0, example !== undefined]).toEqual([type, true, true]);
    }
  });
});

describe('constraints', () => {
  test('the form has one file and the options, and nothing else', async () => {
    const { schemas } = (await read()).components;
    expect(schemas['BulkCashInForm']).toMatchObject({
      additionalProperties: false,
      required: ['file'],
      properties: {
        file: { type: 'string', format: 'binary' },
        dry_run: { type: ['boolean', 'null'] },
      },
    });
  });

  test.each([
    ['the currency of another method', { currency: 'EUR' }],
    ['an amount of zero', { amount: '0' }],
    ['an amount above the largest', { amount: 1_000_000_000_001 }],
    ['a unique reference without a reference', { reference_unique: true, reference: null }],
    ['a key of metadata with a space', { metadata: { 'a b': 'c' } }],
    ['too much metadata', { metadata: Object.fromEntries([...Array(21).keys()].map((n) => [`k${n}`, 'x'])) }],
    ['an empty text of metadata', { metadata: { a: '' } }],
    ['a control character', { description: 'a\u0007b' }],
    ['a country in words', { customer: { email: 'a@b.sn', first_name: 'A', last_name: 'B', country: 'Senegal' } }],
    ['an unknown field', { amout: 1 }],
  ])('the document refuses %s, as the API does', async (_name, changes) => {
    const { schemas } = (await read()).components;
    const ajv = addFormats(new Ajv({ strict: false }));
    const validate = ajv
      .addSchema(await read(), 'openapi')
      .compile({ $ref: 'openapi#/components/schemas/PayoutRequest' });
    const example = schemas['PayoutRequest']!.example as Record<string, unknown>;
    expect([validate(example), validate.errors]).toEqual([true, null]);
    const body = { ...example, ...changes };
    expect(validate(body)).toBe(false);
    const merchant = await seedMerchant(app.pool);
    const answer = await app.request('POST', '/v1/payouts', { key: merchant.key, idempotencyKey: 'k', body });
    expect(answer.status).toBe(422);
  });

  test('the currencies are those that a method pays in', async () => {
    const { schemas } = (await read()).components;
    expect(schemas['PayoutRequest']!.properties!['currency']).toMatchObject({ enum: ['XOF'] });
  });
});

test('every webhook is described, with its signature', async () => {
  const { webhooks } = await read();
  expect(Object.keys(webhooks)).toEqual([...WEBHOOK_EVENTS]);
  for (const { post } of Object.values(webhooks)) {
    expect(post.parameters?.map(({ name }) => name)).toEqual(['webhook-id', 'webhook-timestamp', 'webhook-signature']);
  }
});

test('the docs page calls the API where the page itself was opened', async () => {
  const response = await fetch(new URL('/docs/assets/start.js', app.url));
  expect(await response.text()).toContain('servers: [{ url: location.origin }]');
});
