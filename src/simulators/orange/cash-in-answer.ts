import { randomInt, randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import { problemOf, type TakenCashIn } from './cash-in';
import type { Parts } from './parts';
import { sendProblem } from './problem';
import type { Row } from './state';

export interface TransactionResponse {
  readonly transactionId: string;
  readonly status: string;
  readonly description: string;
  readonly reference?: string;
  readonly requestId: string;
}

/** Sends, spoils or withholds the answer to a cash-in that was taken. */
export async function answerCashIn(
  parts: Parts,
  req: Request,
  res: Response,
  taken: TakenCashIn,
  submission: number,
): Promise<void> {
  const { answer } = taken.scenario;
  if (typeof answer !== 'string') {
    sendProblem(res, req.path, problemOf(answer));
    return;
  }
  const { slowAnswerMs } = parts.store.state().config.timings;
  const row = taken.rows[0];
  const body = row === undefined ? undefined : transactionResponse(row);
  const text = JSON.stringify(body ?? {});
  switch (answer) {
    case 'row':
      res.json(body);
      return;
    case 'lost':
      req.socket.destroy();
      return;
    case 'reset':
      req.socket.resetAndDestroy();
      return;
    case 'slow_headers':
      if (taken.scenario.takesLate !== true) await parts.timers.sleep(slowAnswerMs);
      res.json(body);
      return;
    case 'slow_body':
      startBody(res, text);
      await parts.timers.sleep(slowAnswerMs);
      res.end(text.slice(10));
      return;
    case 'malformed_json':
      res.type('application/json').send(text.slice(0, -10));
      return;
    case 'cut_body':
      startBody(res, text);
      // The part that was written must leave before the connection ends.
      setImmediate(() => req.socket.end());
      return;
    case 'empty_body':
      res.status(200).type('application/json').end();
      return;
    case 'html_502':
      res.status(502).type('text/html').send('<html><body><h1>502 Bad Gateway</h1></body></html>');
      return;
    case 'unknown_status':
      res.json({ ...body, status: 'ON_HOLD' });
      return;
    case 'other_reference':
      res.json({ ...body, reference: randomUUID() });
      return;
    case 'no_reference':
      res.json({ ...body, reference: undefined });
      return;
    case 'no_transaction_id':
      res.json({ ...body, transactionId: undefined });
      return;
    case 'redirect_302':
    case 'redirect_307':
      res.redirect(answer === 'redirect_302' ? 302 : 307, `/api/eWallet/v1/cashins/moved/${submission}`);
      return;
    default:
      answer satisfies never;
  }
}

export function transactionResponse(row: Row): TransactionResponse {
  return {
    transactionId: row.transactionId,
    status: row.status,
    description: row.reason ?? (row.status === 'SUCCESS' ? 'Transaction successful' : 'Transaction received'),
    ...(row.reference === null ? {} : { reference: row.reference }),
    requestId: requestId(),
  };
}

export function requestId(): string {
  return `${randomInt(1_000, 9_999)}.${randomInt(1_000, 9_999)}.${randomInt(10_000, 99_999)}`;
}

function startBody(res: Response, text: string): void {
  res.status(200).type('application/json').setHeader('Content-Length', Buffer.byteLength(text));
  res.write(text.slice(0, 10));
}
