import { createOrangeProvider } from '../../../../src/providers/orange';
import { httpAnswer, startRawServer } from '../http/raw-server';
import type { RawServer } from '../http/raw-server';

const ACCOUNT = { clientId: 'an id', clientSecret: 's&=', accountNumber: '781234567', idType: 'MSISDN' } as const;
let server: RawServer;

afterEach(() => server.close());

async function authenticateAgainst(status: number, body: string): Promise<{ value: string; expiresInSeconds: number }> {
  server = await startRawServer({ onRequest: (socket) => socket.write(httpAnswer(status, body)) });
  return createOrangeProvider({ baseUrl: `${server.url}/` }).authenticate(ACCOUNT);
}

it('sends the credentials as a form and nothing else', async () => {
  await authenticateAgainst(200, '{"access_token":"a","expires_in":299}');
  const received = server.connections[0]!.received();
  expect(received).toMatch(/^POST \/oauth\/v1\/token HTTP\/1\.1\r\n/);
  expect(received).toContain('\r\nContent-Type: application/x-www-form-urlencoded\r\n');
  expect(received).not.toMatch(/\r\nauthorization:/i);
  expect(received.split('\r\n\r\n')[1]).toBe('client_id=an+id&client_secret=s%26%3D&grant_type=client_credentials');
});

it('takes fields that nobody specified, and a life in digits', async () => {
  const body = '{"access_token":"a","token_type":"bearer","expires_in":"3600","scope":null,"refresh_token":"r"}';
  expect(await authenticateAgainst(200, body)).toEqual({ value: 'a', expiresInSeconds: 3600 });
});

it.each([
  [401, '{"error":"unauthorized_client","error_description":"INVALID_CREDENTIALS"}', 'token', 'unauthorized_client'],
  [400, '{"error":"invalid_client"}', 'token', 'invalid_client'],
  [400, '{"error":"invalid_grant","error_description":null}', 'refused', 'invalid_grant'],
  [401, '<html></html>', 'token', null],
  [429, '{"status":"429","code":"9"}', 'throttled', '9'],
  [500, '{"error":"server_error"}', 'unavailable', 'server_error'],
  [302, '', 'malformed', null],
  [200, '{"access_token":"a"}', 'malformed', null],
  [200, '{"access_token":"a","expires_in":0}', 'malformed', null],
  [200, '{"access_token":"a\\r\\nX: y","expires_in":299}', 'malformed', null],
  [200, '{"access_token":"a","expires_in":', 'malformed', null],
])('throws at %d %s: %s', async (status, body, kind, code) => {
  await expect(authenticateAgainst(status, body)).rejects.toMatchObject({ name: 'ProviderError', kind, code });
});
