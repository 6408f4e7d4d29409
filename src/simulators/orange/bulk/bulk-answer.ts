import type { Request, Response } from 'express';
import { problemOf } from '../cash-in';
import type { Parts } from '../parts';
import { sendProblem } from '../problem';
import { sendSpoilt } from '../spoilt-answer';
import type { TakenBulkCall } from './take-bulk';

/** Sends, spoils or withholds the answer to a bulk call. */
export async function answerBulk(parts: Parts, req: Request, res: Response, answered: TakenBulkCall): Promise<void> {
  const { scenario, bulkId, status, description } = answered;
  const body = { bulkId, status, description };
  // What the report of answers shows beside the 200; a refusal writes its own code there.
  if (scenario.answer !== 'html_502' && scenario.answer !== 'redirect_307') res.locals['code'] = status;
  if (typeof scenario.answer !== 'string') {
    sendProblem(res, req.path, problemOf(scenario.answer));
    return;
  }
  switch (scenario.answer) {
    case 'status':
      res.json(body);
      return;
    case 'unknown_status':
      res.json({ ...body, status: 'ON_HOLD' });
      return;
    case 'redirect_307':
      res.redirect(307, req.originalUrl);
      return;
    case 'no_bulk_id':
      res.json({ status, description });
      return;
    default:
      await sendSpoilt(parts, req, res, scenario.answer, body);
  }
}
