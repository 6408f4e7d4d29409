import { randomBytes } from 'node:crypto';

import { CONFIG_SCHEMA } from '../../src/config';
import { createPayloadCodec } from '../../src/temporal/payload-codec';
import { startTestApp } from '../helpers/app';
import type { ApiAnswer, TestApp } from '../helpers/app';

const UI = 'http://127.0.0.1:8233';
const TOKEN = 'a-token-of-sixteen-or-more';
/** As on a development machine. */
let open: TestApp;
/** As it is where nothing is configured. */
let closed: TestApp;
let guarded: TestApp;
beforeAll(async () => {
  const payloadCodec = createPayloadCodec([{ id: 'k1', key: randomBytes(32) }]);
  open = await startTestApp({ payloadCodec }, { ALLOW_LOOPBACK_CODEC: true });
  closed = await startTestApp({ payloadCodec });
  guarded = await startTestApp({ payloadCodec, config: { ...open.deps.config, CODEC_TOKEN: TOKEN } });
});
afterAll(async () => {
  await open.close();
  await closed.close();
  await guarded.close();
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const plain = { payloads: [{ metadata: { encoding: base64('json/plain') }, data: base64('"po_1"') }] };
const ask = (app: TestApp, path: string, body: unknown, headers: Record<string, string> = {}): Promise<ApiAnswer> =>
  app.request('POST', path, { body, headers });

test('payloads come back as they were, and are not readable in between', async () => {
  const encoded = await ask(open, '/codec/encode', plain, { origin: UI });
  expect(encoded.headers.get('access-control-allow-origin')).toBe(UI);
  expect(Buffer.from(encoded.body.payloads[0]!.data, 'base64').toString('latin1')).not.toContain('po_1');
  const decoded = await ask(open, '/codec/decode', { payloads: encoded.body.payloads }, { origin: UI });
  expect(decoded.body).toEqual(plain);
});

test("a browser on the UI's page is allowed beforehand, and on no other", async () => {
  const preflight = await open.request('OPTIONS', '/codec/decode', { headers: { origin: UI } });
  expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, UI]);
  expect(preflight.headers.get('access-control-allow-headers')).toContain('Authorization');
  const foreign = await ask(open, '/codec/decode', plain, { origin: 'https://evil.example' });
  expect([foreign.status, foreign.body.code]).toEqual([403, 'origin_refused']);
});

test('without a token it is closed, on loopback and from the page of the UI too', async () => {
  expect(CONFIG_SCHEMA.shape.ALLOW_LOOPBACK_CODEC.parse(undefined)).toBe(false);
  for (const path of ['/codec/decode', '/codec/encode']) {
    for (const headers of [{}, { origin: UI }, { authorization: 'Bearer undefined' }]) {
      const answer = await ask(closed, path, plain, headers);
      expect([path, headers, answer.status, answer.body.code]).toEqual([path, headers, 403, 'origin_refused']);
    }
  }
});

test('a development machine answers callers on loopback without a token, but none of a proxy', async () => {
  expect((await ask(open, '/codec/decode', plain)).status).toBe(200);
  const forwarded = await ask(open, '/codec/decode', plain, { 'x-forwarded-for': '203.0.113.7' });
  expect([forwarded.status, forwarded.body.code]).toEqual([403, 'origin_refused']);
});

test('with a token, only its bearer is answered', async () => {
  expect((await ask(guarded, '/codec/decode', plain, { origin: UI })).status).toBe(401);
  expect((await ask(guarded, '/codec/decode', plain, { authorization: `Bearer ${TOKEN}x` })).status).toBe(401);
  expect((await ask(guarded, '/codec/decode', plain, { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
});

test('what cannot be opened is said so', async () => {
  const broken = [
    { metadata: { encoding: base64('binary/encrypted'), 'encryption-key-id': base64('k9') }, data: 'AAAA' },
  ];
  const answer = await ask(open, '/codec/decode', { payloads: broken }, { origin: UI });
  expect([answer.status, answer.body.code]).toEqual([422, 'payload_not_decodable']);
  expect(answer.headers.get('access-control-allow-origin')).toBe(UI);
  expect((await ask(open, '/codec/decode', { payloads: 'x' })).status).toBe(422);
});
