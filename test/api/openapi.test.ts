import { createApp } from '../../src/api/app';
import { startTestApp } from '../helpers/app';
import type { TestApp } from '../helpers/app';

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
}
interface Document {
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
