import type { AccessToken, ProviderAccount } from '../provider';
import { parseAnswer } from './client';
import type { OrangeClient } from './client';
import { tokenSchema } from './schemas';

/** Fetches an access token. Its life is what the answer says: 3600 s in the specification, 299 s observed live. */
export async function authenticate(client: OrangeClient, account: ProviderAccount): Promise<AccessToken> {
  const form = new URLSearchParams({
    client_id: account.clientId,
    client_secret: account.clientSecret,
    grant_type: 'client_credentials',
  });
  const answer = await client.send(
    'token',
    {
      method: 'POST',
      url: client.url('/oauth/v1/token'),
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    },
    [200],
  );
  const token = parseAnswer('token', answer, tokenSchema);
  return { value: token.access_token, expiresInSeconds: token.expires_in };
}
