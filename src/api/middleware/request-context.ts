import { randomUUID } from 'node:crypto';

import type { NextFunction, Request, Response } from 'express';

import type { ApiDeps } from '../deps';

/** What is known of a request while it is answered; written into its log line at the end. */
export interface RequestContext {
  requestId: string;
  /** The route's pattern; the address itself may carry what no log may show. */
  route: string;
  ids: Record<string, string>;
}

const CONTEXTS = new WeakMap<Response, RequestContext>();

export function contextOf(response: Response): RequestContext {
  const context = CONTEXTS.get(response);
  if (!context) throw new Error('the request has no context');
  return context;
}

/** Gives each request an id, and one log line and one measurement at its end. */
export function requestContext({ logger, metrics }: Pick<ApiDeps, 'logger' | 'metrics'>) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const startedAt = performance.now();
    const context: RequestContext = { requestId: `req_${randomUUID()}`, route: 'none', ids: {} };
    CONTEXTS.set(response, context);
    response.setHeader('X-Request-Id', context.requestId);
    response.once('close', () => {
      const ms = Math.round((performance.now() - startedAt) * 10) / 10;
      const { requestId, route, ids } = context;
      const { method } = request;
      const status = response.writableFinished ? response.statusCode : 499;
      metrics.requestSeconds.observe({ method, route, status }, ms / 1_000);
      logger.info({ requestId, method, route, status, ms, ...ids }, 'request');
    });
    next();
  };
}
