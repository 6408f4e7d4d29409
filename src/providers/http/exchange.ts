import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { MAX_ANSWER_BYTES } from './http-request';
import type { HttpAnswer, StageTimeouts } from './http-request';

/** How far an exchange had come when it ended. Up to `connect` nothing of the request was handed over. */
export type Stage = 'connect' | 'headers' | 'body';

export type LostReason =
  'connect_timeout' | 'headers_timeout' | 'body_timeout' | 'connection_lost' | 'answer_too_large';

export type Exchange = { answered: true; answer: HttpAnswer } | { answered: false; stage: Stage; reason: LostReason };

const TIMEOUT_REASONS = {
  connect: 'connect_timeout',
  headers: 'headers_timeout',
  body: 'body_timeout',
} as const satisfies Record<Stage, LostReason>;

/**
 * Sends a request whose body is not yet written and reads its one answer. `connected` says that its socket stands
 * already, so that the exchange begins with the stage `headers`. Never throws and never tries again.
 */
export function exchange(
  request: ClientRequest,
  options: { body: string | null; connected: boolean; timeouts: StageTimeouts },
): Promise<Exchange> {
  const limits = {
    connect: options.timeouts.connectMs,
    headers: options.timeouts.headersMs,
    body: options.timeouts.bodyMs,
  };
  return new Promise((resolve) => {
    let stage: Stage = 'connect';
    let timer: NodeJS.Timeout | undefined;
    let over = false;
    const lose = (reason: LostReason): void => {
      // After the end the socket may be carrying another request already.
      if (over) return;
      over = true;
      clearTimeout(timer);
      resolve({ answered: false, stage, reason });
      request.destroy();
    };
    const enter = (next: Stage): void => {
      clearTimeout(timer);
      stage = next;
      timer = setTimeout(() => lose(TIMEOUT_REASONS[next]), limits[next]);
    };
    const finish = (answer: HttpAnswer): void => {
      over = true;
      clearTimeout(timer);
      resolve({ answered: true, answer });
    };
    enter(options.connected ? 'headers' : 'connect');
    if (!options.connected) whenConnected(request, () => enter('headers'));
    request.on('error', () => lose('connection_lost'));
    // Covers what raises no error, as an answer that switches protocols.
    request.on('close', () => lose('connection_lost'));
    request.on('response', (response) => {
      enter('body');
      readBody(response, finish, lose);
    });
    request.end(options.body ?? undefined);
  });
}

function whenConnected(request: ClientRequest, then: () => void): void {
  request.once('socket', (socket: Socket) => {
    if (!socket.connecting) then();
    else socket.once('encrypted' in socket ? 'secureConnect' : 'connect', then);
  });
}

function readBody(
  response: IncomingMessage,
  finish: (answer: HttpAnswer) => void,
  lose: (reason: LostReason) => void,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= MAX_ANSWER_BYTES) chunks.push(chunk);
    else lose('answer_too_large');
  });
  response.on('end', () => {
    if (!response.complete) lose('connection_lost');
    else finish({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
  });
  response.on('error', () => lose('connection_lost'));
  response.on('close', () => lose('connection_lost'));
}
