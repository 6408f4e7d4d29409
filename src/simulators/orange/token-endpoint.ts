import type { Request, Response, Router } from 'express';
import { spoilAnswer } from './endpoint-fault';
import { rawBody } from './gateway';
import type { Parts } from './parts';
import { Problem } from './problem';

/** `/oauth/token` is the older path, which lived on beside the documented one. */
const PATHS = ['/oauth/v1/token', '/oauth/token'];

/** Client credentials, in the form or as Basic; errors in OAuth's shape, except the rate limit's problem+json. */
export function addTokenEndpoint(parts: Parts, router: Router): void {
  router.post(PATHS, (req, res) => {
    const { config } = parts.store.state();
    parts.counts.arrived('token');
    const form = new URLSearchParams(isForm(req) ? rawBody(req) : '');
    const { clientId, clientSecret } = credentials(req, form);
    const client = parts.options.clients.find((known) => known.clientId === clientId);
    if (!parts.rateLimit.admit(client?.clientId ?? 'anonymous', config.rateLimitPerMinute)) throw new Problem(429, '9');
    if (spoilAnswer(parts, 'token', req, res) === 'ended') return;
    if (form.get('grant_type') === null || clientId === null || clientSecret === null) {
      refuse(res, 400, 'invalid_request', 'Missing form parameter: client_id, client_secret or grant_type');
    } else if (form.get('grant_type') !== 'client_credentials') {
      refuse(res, 400, 'unsupported_grant_type', 'Unsupported grant_type');
    } else if (client === undefined) {
      refuse(res, 401, 'invalid_client', 'INVALID_CREDENTIALS: Invalid client credentials');
    } else if (client.clientSecret !== clientSecret) {
      refuse(res, 401, 'unauthorized_client', 'INVALID_CREDENTIALS: Invalid client credentials');
    } else {
      res.json({
        access_token: parts.tokens.issue(client.clientId),
        token_type: 'bearer',
        expires_in: Math.floor(config.tokenLifeSeconds),
        scope: 'apimanagement email profile',
        refresh_token: parts.tokens.issue('refresh'),
        refresh_expires_in: 1_800,
      });
    }
  });
  router.all(PATHS, (_req, res) => {
    res.set('Allow', 'POST');
    throw new Problem(405, '61');
  });
}

function isForm(req: Request): boolean {
  return /^application\/x-www-form-urlencoded\s*(;|$)/i.test(req.get('content-type') ?? '');
}

function credentials(req: Request, form: URLSearchParams): { clientId: string | null; clientSecret: string | null } {
  const basic = /^Basic (\S+)$/i.exec(req.get('authorization') ?? '')?.[1];
  const [id, secret] = basic === undefined ? [] : splitOnce(Buffer.from(basic, 'base64').toString());
  return { clientId: form.get('client_id') ?? id ?? null, clientSecret: form.get('client_secret') ?? secret ?? null };
}

function splitOnce(pair: string): [string, string] {
  const colon = pair.indexOf(':');
  return [pair.slice(0, colon), pair.slice(colon + 1)];
}

function refuse(res: Response, status: number, error: string, description: string): void {
  res.status(status).json({ error, error_description: description });
}
