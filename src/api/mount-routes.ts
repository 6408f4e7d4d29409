import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import express from 'express';
import type { Express, NextFunction, Request, RequestHandler, Response } from 'express';

import { PROBLEMS } from '../domain/problems';
import type { RouteDeps } from './deps';
import { authenticate } from './middleware/authenticate';
import { contextOf } from './middleware/request-context';
import { ApiProblem } from './problem';
import type { InvalidField } from './problem';
import { expressPath } from './route';
import type { Answer, Route } from './route';
import { createRestoringCheck } from './restoring';
import { parseStrictJson } from './strict-json';
import { jsonPointer, parseBody, parseQuery } from './validate';

/** Mounts every route, and an answer to wrong methods on each of their paths. */
export function mountRoutes(app: Express, routes: readonly Route[], deps: RouteDeps): void {
  const assertNotRestoring = createRestoringCheck(deps.pool);
  for (const route of routes) {
    app[route.method](expressPath(route.path), ...routeHandlers(route, deps, assertNotRestoring));
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const methods = routes.filter((route) => route.path === path).map((route) => route.method.toUpperCase());
    const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].join(', ');
    app.all(expressPath(path), (_request, response) => {
      contextOf(response).route = path;
      throw new ApiProblem('method_not_allowed', { detail: `Allowed: ${allow}.`, headers: { Allow: allow } });
    });
  }
}

function routeHandlers(route: Route, deps: RouteDeps, assertNotRestoring: () => Promise<void>): RequestHandler[] {
  const limit = route.bodyLimit ?? deps.config.BODY_LIMIT_BYTES;
  const readBody = route.rawBody
    ? [express.raw({ type: () => true, limit })]
    : route.body
      ? [requireJson, express.raw({ type: () => true, limit }), parseJson]
      : [];
  return [
    // Before the body is read: who may not call is not listened to.
    async (request, response, next) => {
      const context = contextOf(response);
      context.route = route.path;
      route.guard?.(request, deps);
      if (route.access !== 'public') {
        const principal = await authenticate(deps, request, route.access);
        context.ids['key'] = principal.keyId;
        if (principal.role === 'merchant') {
          context.ids['merchant'] = principal.merchantId;
          if (route.method !== 'get') await assertNotRestoring();
        }
        response.locals['principal'] = principal;
      }
      next();
    },
    ...readBody,
    async (request, response) => {
      await send(response, await route.handle(readCall(route, request, response), deps));
    },
  ];
}

function readCall(route: Route, request: Request, response: Response): Parameters<Route['handle']>[0] {
  const params = route.params?.safeParse(request.params);
  // An id that cannot be one of ours names nothing.
  if (params?.success === false) throw new ApiProblem('not_found');
  const { ids } = contextOf(response);
  if (typeof request.params['payoutId'] === 'string') ids['payout'] = request.params['payoutId'];
  if (typeof request.params['bulkId'] === 'string') ids['bulk'] = request.params['bulkId'];
  const key = route.idempotent === true ? readIdempotencyKey(request) : '';
  const late = (body: unknown): readonly InvalidField[] => [
    ...(key instanceof ApiProblem ? [{ header: 'Idempotency-Key', detail: PROBLEMS[key.code].fix }] : []),
    ...(route.lateCheck?.(body) ?? []),
  ];
  const query = route.query ? parseQuery(route.query, request.query) : undefined;
  const body = route.body ? parseBody(route.body, request.body, { cross: route.crossCheck, late }) : undefined;
  if (key instanceof ApiProblem) throw key;
  return {
    principal: (response.locals['principal'] ?? null) as Parameters<Route['handle']>[0]['principal'],
    params: params?.data,
    query,
    idempotencyKey: key,
    body,
    request,
  };
}

/** The key, or the problem with it, which is named beside the problems of the body. */
function readIdempotencyKey(request: Request): string | ApiProblem {
  const key = request.headers['idempotency-key'];
  if (key === undefined || key === '') return new ApiProblem('idempotency_key_missing');
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) return new ApiProblem('idempotency_key_invalid');
  return key;
}

function requireJson(request: Request, _response: Response, next: NextFunction): void {
  if (!hasBody(request)) throw new ApiProblem('malformed_json', { detail: 'The request has no body.' });
  if (!request.is('application/json') || !isUtf8(request)) throw new ApiProblem('unsupported_media_type');
  next();
}

function isUtf8({ headers }: Request): boolean {
  const [, charset = 'utf-8'] = /;\s*charset="?([^\s;"]+)/i.exec(headers['content-type'] ?? '') ?? [];
  return /^utf-?8$/i.test(charset);
}

/** Replaces the bytes of the body by what they say. */
function parseJson(request: Request, _response: Response, next: NextFunction): void {
  const bytes: unknown = request.body;
  const parsed = parseStrictJson(Buffer.isBuffer(bytes) ? bytes : '');
  if (!parsed.ok) {
    switch (parsed.problem) {
      case 'not_utf8':
        throw new ApiProblem('malformed_json', { detail: 'The body is not UTF-8.' });
      case 'not_json':
        throw new ApiProblem('malformed_json');
      case 'member_twice': {
        const errors = [{ pointer: jsonPointer(parsed.path), detail: 'is named twice: leave one out' }];
        throw new ApiProblem('invalid_request', { errors });
      }
      default:
        parsed satisfies never;
    }
    return;
  }
  request.body = parsed.value;
  next();
}

function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0;
}

async function send(response: Response, { status, body, type, stream, headers }: Answer): Promise<void> {
  response.status(status).set({ 'Cache-Control': 'no-store', ...headers });
  if (stream) await sendStream(response.type(type ?? 'application/octet-stream'), stream);
  else if (body === undefined) response.end();
  else if (type === undefined) response.json(body);
  else response.type(type).send(body);
}

async function sendStream(response: Response, stream: Readable): Promise<void> {
  try {
    await pipeline(stream, response);
  } catch (error) {
    // A client that left is no fault; its log line says 499.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}
