import { Agent as HttpAgent, request as httpRequest, validateHeaderValue } from 'node:http';
import type { ClientRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { exchange } from './exchange';
import { wireHeaders } from './http-request';
import type { HttpRequest, StageTimeouts } from './http-request';
import { isStillOpen } from './open-connection';
import type { ConnectResult } from './open-connection';
import type { SendOnceOptions, SendOnceResult } from './send-once';

/** Milliseconds after which an idle connection is closed: before a server would, which keeps it for 5 s or more. */
const IDLE_MS = 3_000;

/**
 * Creates the sender of many requests that move money, over connections that are used again. The same proof as `sendOnce`:
 * with `sent: false` no byte of the request was handed to a socket; whatever fails after that, also a kept connection
 * that the server had just given up, is `sent`. Nothing is tried twice, no redirect is followed.
 */
export function createKeptSender(options: {
  timeouts: StageTimeouts;
  ca: string | null;
}): (request: HttpRequest, call: Pick<SendOnceOptions, 'clearance' | 'sendBy'>) => Promise<SendOnceResult> {
  const keeping = { keepAlive: true, timeout: IDLE_MS, scheduling: 'lifo' } as const;
  const plain = new HttpAgent(keeping);
  const secure = new HttpsAgent({ ...keeping, ...(options.ca === null ? {} : { ca: options.ca }) });

  return async (request, { clearance, sendBy }) => {
    const headers = wireHeaders(request);
    for (const [name, value] of Object.entries(headers)) validateHeaderValue(name, value);
    const wire = { method: request.method, headers };
    // Nothing is written before the request's end is asked for, which `exchange` does.
    const message =
      request.url.protocol === 'https:'
        ? httpsRequest(request.url, { ...wire, agent: secure })
        : httpRequest(request.url, { ...wire, agent: plain });
    const connection = await whenConnected(message, options.timeouts.connectMs);
    if (!connection.open) {
      message.destroy();
      return { sent: false, reason: connection.reason };
    }
    // A server that spoke before it was asked counts as gone.
    const early: unknown[] = [];
    const hear = (response: unknown): void => void early.push(response);
    message.on('response', hear);
    try {
      const go = await clearance();
      if (go === 'stop') return notSent(message, 'stopped');
      if (!(await isStillOpen(connection.socket)) || early.length > 0) return notSent(message, 'connection_closed');
      if (Date.now() >= sendBy.getTime()) return notSent(message, 'send_by_passed');
    } catch (error) {
      message.destroy();
      throw error;
    }
    message.off('response', hear);
    return {
      sent: true,
      ...(await exchange(message, { body: request.body, connected: true, timeouts: options.timeouts })),
    };
  };
}

function notSent(message: ClientRequest, reason: Extract<SendOnceResult, { sent: false }>['reason']): SendOnceResult {
  message.destroy();
  return { sent: false, reason };
}

/** From our own connect and TLS events, never from an error's text. */
function whenConnected(message: ClientRequest, connectMs: number): Promise<ConnectResult> {
  return new Promise((resolve) => {
    let tcpStands = false;
    const end = (result: ConnectResult): void => {
      clearTimeout(timer);
      resolve(result);
    };
    const fail = (): void => end({ open: false, reason: tcpStands ? 'tls_failed' : 'connect_failed' });
    const timer = setTimeout(() => end({ open: false, reason: 'connect_timeout' }), connectMs);
    // They stay for the request's life, so that an error in an idle moment never goes unhandled.
    message.on('error', fail);
    message.on('close', fail);
    message.once('socket', (socket: Socket) => {
      if (!socket.connecting) {
        end({ open: true, socket });
        return;
      }
      socket.setNoDelay(true);
      socket.once('connect', () => (tcpStands = true));
      socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => end({ open: true, socket }));
    });
  });
}
