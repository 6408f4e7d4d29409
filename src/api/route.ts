import type { Readable } from 'node:stream';

import type { Request } from 'express';
import type { z } from 'zod';

import type { Principal } from '../domain/principal';
import type { ProblemCode } from '../domain/problems';
import type { RouteDeps } from './deps';
import type { InvalidField } from './problem';

export type Access = 'merchant' | 'operator' | 'public';

type PrincipalFor<A extends Access> = A extends 'public' ? null : Extract<Principal, { role: A }>;

/** A request as a handler sees it: who calls, and its parts after they were checked. */
export interface Call<A extends Access, P, Q, B> {
  principal: PrincipalFor<A>;
  params: P;
  query: Q;
  body: B;
  /** The Idempotency-Key of a route that asks for one; empty elsewhere. */
  idempotencyKey: string;
  request: Request;
}

export interface Answer {
  status: number;
  /** Serialised as JSON, unless `type` says that it is a text of another type. */
  body?: unknown;
  type?: string;
  /** A long body of `type`, sent as it is read. */
  stream?: Readable;
  headers?: Readonly<Record<string, string>>;
}

export interface DocumentedAnswer {
  description: string;
  /** Of a JSON body. */
  schema?: z.ZodType;
  /** Media type of another body. */
  type?: string;
}

/** One media type of a request body: its schema, and an example that the route accepts. */
export type DocumentedBody = {
  schema: z.ZodType;
  example: unknown;
};

export interface RouteDefinition<A extends Access, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  method: 'get' | 'post' | 'patch' | 'delete' | 'options';
  /** OpenAPI's spelling: `/v1/payouts/{payoutId}`. */
  path: string;
  operationId: string;
  summary: string;
  tag: 'Payouts' | 'Bulk cash-ins' | 'Account' | 'Callbacks' | 'Operations' | 'Service';
  access: A;
  /** A check of its own before the body is read; throws the problem. */
  guard?: (request: Request, deps: RouteDeps) => void;
  idempotent?: boolean;
  params?: P;
  query?: Q;
  /** Headers that it reads beyond those that the other parts bring; for the OpenAPI document. */
  headers?: z.ZodObject;
  /** JSON body. A field that fails is named with all the others. */
  body?: B;
  /** Checks over several fields of the JSON body as it came in; added to what `body` finds. */
  crossCheck?: (body: unknown) => readonly InvalidField[];
  /**
   * What is named beside other errors and refuses nothing by itself, since a repeated request may be answered before it
   * counts, such as a time that has passed since.
   */
  lateCheck?: (body: unknown) => readonly InvalidField[];
  /** Bytes of a body of any type, for the handler to read from `request.body`. */
  rawBody?: true;
  /** Bodies of any length by media type, which the handler reads from `request` as it comes. */
  streamsBody?: Readonly<Record<string, DocumentedBody>>;
  /** Query parameters that the handler reads from `request` itself; for the OpenAPI document. */
  documentedQuery?: z.ZodObject;
  /** Bytes; by default BODY_LIMIT_BYTES. */
  bodyLimit?: number;
  answers: Readonly<Record<number, DocumentedAnswer>>;
  problems: readonly ProblemCode[];
  handle: (call: Call<A, z.output<P>, z.output<Q>, z.output<B>>, deps: RouteDeps) => Promise<Answer> | Answer;
}

/** A route whose own types are forgotten, for those who go over all of them. */
export interface Route extends Omit<RouteDefinition<Access, z.ZodObject, z.ZodObject, z.ZodType>, 'handle'> {
  handle: (call: Call<Access, unknown, unknown, unknown>, deps: RouteDeps) => Promise<Answer> | Answer;
}

/** One route with everything that is known of it: the app is mounted and the OpenAPI document written from it. */
export function defineRoute<
  const A extends Access,
  P extends z.ZodObject = z.ZodObject,
  Q extends z.ZodObject = z.ZodObject,
  B extends z.ZodType = z.ZodNever,
>(definition: RouteDefinition<A, P, Q, B>): Route {
  return definition as unknown as Route;
}

/** The path as Express spells it. */
export function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}
