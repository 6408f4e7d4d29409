import { randomInt, randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import { problemOf, type TakenCashIn } from './cash-in';
import type { Parts } from './parts';
import { sendProblem } from './problem';
import { sendSpoilt } from './spoilt-answer';
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
  const row = taken.rows[0];
  const body = row === undefined ? undefined : transactionResponse(row);
  switch (answer) {
    case 'row':
      res.json(body);
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
      await sendSpoilt(parts, req, res, taken.scenario.takesLate === true ? 'whole' : answer, body ?? {});
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
