import type { z } from 'zod';
import { createHttpCaller } from '../http/caller';
import type { HttpAnswer, HttpRequest } from '../http/http-request';
import { ProviderError } from '../provider';
import type { ResolvedOrangeOptions } from './options';
import { refusalOf } from './refusal';
import { readJson } from './schemas';

export type Query = Readonly<Record<string, string | number>>;

export interface OrangeCall {
  method: HttpRequest['method'];
  path: string;
  token: string;
  query?: Query;
  body?: object;
  headers?: Readonly<Record<string, string>>;
}

export interface OrangeClient {
  /** The request as it would go out. The gateway was seen to answer 415 to a GET without a content type. */
  prepare(call: OrangeCall): HttpRequest;
  /** A 200 answer read by `schema`. Throws `ProviderError`, which names `label` and never carries a body. */
  read<Schema extends z.ZodType>(label: string, call: OrangeCall, schema: Schema): Promise<z.output<Schema>>;
  /** An answer with one of the statuses of `expected`. Throws `ProviderError`. */
  send(label: string, request: HttpRequest, expected: readonly number[]): Promise<HttpAnswer>;
  url(path: string, query?: Query): URL;
}

/** Creates the client for the provider's calls that move no money. */
export function createOrangeClient(options: ResolvedOrangeOptions): OrangeClient {
  const call = createHttpCaller({ timeouts: options.timeouts, ca: options.ca });

  function url(path: string, query: Query = {}): URL {
    const target = new URL(options.baseUrl + path);
    for (const [name, value] of Object.entries(query)) target.searchParams.set(name, String(value));
    return target;
  }

  function prepare({ method, path, token, query, body, headers }: OrangeCall): HttpRequest {
    return {
      method,
      url: url(path, query),
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}`, ...headers },
      body: body === undefined ? null : JSON.stringify(body),
    };
  }

  async function send(label: string, request: HttpRequest, expected: readonly number[]): Promise<HttpAnswer> {
    const result = await call(request);
    if (!result.answered) {
      const kind = result.stage === 'connect' ? 'unreachable' : 'unavailable';
      throw new ProviderError(kind, `orange ${label}: ${result.reason}`);
    }
    if (!expected.includes(result.answer.status)) throw refusalOf(label, result.answer);
    return result.answer;
  }

  async function read<Schema extends z.ZodType>(
    label: string,
    orangeCall: OrangeCall,
    schema: Schema,
  ): Promise<z.output<Schema>> {
    return parseAnswer(label, await send(label, prepare(orangeCall), [200]), schema);
  }

  return { prepare, read, send, url };
}

/** The body of an answer read by `schema`. Throws `ProviderError` `malformed`. */
export function parseAnswer<Schema extends z.ZodType>(
  label: string,
  answer: HttpAnswer,
  schema: Schema,
): z.output<Schema> {
  const parsed = schema.safeParse(readJson(answer.body));
  if (!parsed.success) throw new ProviderError('malformed', `orange ${label}: the answer cannot be read`);
  return parsed.data;
}
