import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { exchange } from './exchange';
import type { Exchange } from './exchange';
import { wireHeaders } from './http-request';
import type { HttpRequest, StageTimeouts } from './http-request';

export type HttpCaller = (request: HttpRequest) => Promise<Exchange>;

/**
 * Creates the caller for requests that move no money: connections are kept and used again, each stage has its time-out,
 * nothing is tried twice. Idle connections do not keep the process alive, so there is nothing to close.
 */
export function createHttpCaller(options: { timeouts: StageTimeouts; ca: string | null }): HttpCaller {
  const plain = new HttpAgent({ keepAlive: true });
  const secure = new HttpsAgent({ keepAlive: true, ...(options.ca === null ? {} : { ca: options.ca }) });
  return (request) => {
    const wire = { method: request.method, headers: wireHeaders(request) };
    const message =
      request.url.protocol === 'https:'
        ? httpsRequest(request.url, { ...wire, agent: secure })
        : httpRequest(request.url, { ...wire, agent: plain });
    return exchange(message, { body: request.body, connected: false, timeouts: options.timeouts });
  };
}
