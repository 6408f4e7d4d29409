import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Store } from './store';

export interface Tokens {
  /** A bearer token for the client, valid for `tokenLifeSeconds` from now. */
  issue(clientId: string): string;
  /** The client that the token was issued to, or undefined when it is unknown or has expired. */
  clientOf(token: string): string | undefined;
  /** Makes every token issued so far unknown. */
  expireAll(): void;
}

interface Claims {
  readonly sub: string;
  /** Seconds since 1970, with fractions so that tests can use very short lives. */
  readonly exp: number;
}

/** Signed tokens without a table: they survive a restart of the simulator as they would one of Orange. */
export function createTokens(store: Store): Tokens {
  function newSecret(): void {
    store.record({ e: 'token_secret', secret: randomBytes(32).toString('hex') });
  }

  function sign(payload: string): string {
    return createHmac('sha256', store.state().tokenSecret ?? '')
      .update(payload)
      .digest('base64url');
  }

  if (store.state().tokenSecret === null) newSecret();
  return {
    issue: (clientId) => {
      const { config } = store.state();
      const claims: Claims & { jti: string } = {
        sub: clientId,
        exp: Date.now() / 1000 + config.tokenLifeSeconds,
        jti: randomUUID(),
      };
      const payload = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
      return `${payload}.${sign(payload)}`;
    },
    clientOf: (token) => {
      const [header, claims, signature, ...rest] = token.split('.');
      if (header === undefined || claims === undefined || signature === undefined || rest.length > 0) return undefined;
      const expected = Buffer.from(sign(`${header}.${claims}`));
      const given = Buffer.from(signature);
      if (expected.length !== given.length || !timingSafeEqual(expected, given)) return undefined;
      const { sub, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Claims;
      return Date.now() / 1000 < exp ? sub : undefined;
    },
    expireAll: newSecret,
  };
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
