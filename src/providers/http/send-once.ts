import { request as httpRequest, validateHeaderValue } from 'node:http';
import type { Clearance } from '../provider';
import { exchange } from './exchange';
import type { Exchange } from './exchange';
import { wireHeaders } from './http-request';
import type { HttpRequest, StageTimeouts } from './http-request';
import { isStillOpen, openConnection } from './open-connection';
import type { ConnectFailure } from './open-connection';

export type NotSentReason = ConnectFailure | 'stopped' | 'connection_closed' | 'send_by_passed';

export type SendOnceResult = { sent: false; reason: NotSentReason } | ({ sent: true } & Exchange);

export interface SendOnceOptions {
  timeouts: StageTimeouts;
  /** PEM roots that replace the machine's; null trusts the machine's. */
  ca: string | null;
  clearance: Clearance;
  /** The first byte leaves before this moment or not at all. */
  sendBy: Date;
}

/**
 * Sends a request that moves money over a connection of its own: connect, clearance, is the connection still there, is
 * there still time, write. `sent: false` is a proof: no byte of the request was handed to the socket. With `sent: true`
 * bytes may have left, whatever else is said. What `clearance` throws is thrown on, and a header that
 * cannot be written throws before anything is connected; nothing was sent then.
 */
export async function sendOnce(request: HttpRequest, options: SendOnceOptions): Promise<SendOnceResult> {
  const headers = wireHeaders(request);
  for (const [name, value] of Object.entries(headers)) validateHeaderValue(name, value);
  const connection = await openConnection(request.url, { connectMs: options.timeouts.connectMs, ca: options.ca });
  if (!connection.open) return { sent: false, reason: connection.reason };
  const { socket } = connection;
  try {
    if ((await options.clearance()) === 'stop') return { sent: false, reason: 'stopped' };
    if (!(await isStillOpen(socket))) return { sent: false, reason: 'connection_closed' };
    if (Date.now() >= options.sendBy.getTime()) return { sent: false, reason: 'send_by_passed' };
    const message = httpRequest({
      method: request.method,
      path: request.url.pathname + request.url.search,
      headers,
      setHost: false,
      // Given this and no agent, Node writes to exactly this socket and asks for it to be closed after the answer.
      createConnection: () => socket,
    });
    return {
      sent: true,
      ...(await exchange(message, { body: request.body, connected: true, timeouts: options.timeouts })),
    };
  } finally {
    socket.destroy();
  }
}
