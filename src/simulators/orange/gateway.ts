import express, { type Request, type Response, type Router } from 'express';
import type { Endpoint } from './request-counts';
import { spoilAnswer } from './endpoint-fault';
import { ownershipOf, type OwnsCode } from './owned-retailer';
import type { Parts } from './parts';
import { Problem } from './problem';

export interface Call {
  readonly req: Request;
  readonly res: Response;
  readonly clientId: string;
  readonly owns: OwnsCode;
  /** The body as it came. */
  readonly raw: string;
  readonly query: URLSearchParams;
}

export interface Gateway {
  /**
   * Adds an endpoint that asks for a bearer token, and for `Content-Type: application/json` where it takes a body. A GET
   * needs none, as Sonatel's own SDK sends none, unless `typedGet` is set: seen live on the list of callbacks alone.
   */
  route(
    method: 'get' | 'post' | 'patch',
    path: string,
    endpoint: Endpoint,
    handle: (call: Call) => unknown,
    options?: { typedGet: boolean },
  ): void;
  /** To be called after the last route. */
  refuseOtherMethods(): void;
}

/** What stands before every endpoint of the API proper: count, authentication, rate limit, media type, planned faults. */
export function createGateway(parts: Parts, router: Router): Gateway {
  const methods = new Map<string, string[]>();

  function admit(req: Request, { isTyped }: { isTyped: boolean }): string {
    const token = /^Bearer (\S+)$/i.exec(req.get('authorization') ?? '')?.[1];
    const holder = token === undefined ? undefined : parts.tokens.clientOf(token);
    const clientId = parts.options.clients.find((client) => client.clientId === holder)?.clientId;
    const { rateLimitPerMinute } = parts.store.state().config;
    if (!parts.rateLimit.admit(clientId ?? 'anonymous', rateLimitPerMinute)) throw new Problem(429, '9');
    if (clientId === undefined) throw new Problem(401, '10');
    if (isTyped && !/^application\/json\s*(;|$)/i.test(req.get('content-type') ?? '')) {
      throw new Problem(415, null, { detail: "Unsupported media type, it should be 'application/json'" });
    }
    return clientId;
  }

  return {
    route: (method, path, endpoint, handle, { typedGet } = { typedGet: false }) => {
      router[method](path, async (req, res) => {
        parts.counts.arrived(endpoint);
        const clientId = admit(req, { isTyped: method !== 'get' || typedGet });
        if (spoilAnswer(parts, endpoint, req, res) === 'ended') return;
        const query = new URL(req.originalUrl, 'http://simulator').searchParams;
        await handle({ req, res, clientId, owns: ownershipOf(parts.options, clientId), raw: rawBody(req), query });
      });
      methods.set(path, [
        ...(methods.get(path) ?? []),
        ...(method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]),
      ]);
    },
    refuseOtherMethods: () => {
      for (const [path, allowed] of methods) {
        router.all(path, (_req, res) => {
          res.set('Allow', allowed.join(', '));
          throw new Problem(405, '61');
        });
      }
    },
  };
}

/** Reads any body as text, so that media type and JSON are judged by the endpoints in Orange's order. */
export const readRawBody = express.text({ type: () => true, limit: '2mb' });

export function rawBody(req: Request): string {
  return typeof req.body === 'string' ? req.body : '';
}
