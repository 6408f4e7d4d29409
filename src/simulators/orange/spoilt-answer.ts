import type { Request, Response } from 'express';
import type { Parts } from './parts';

/** What may happen to a 200 on its way, whatever it says; `whole`: nothing. */
export type Spoiling =
  'whole' | 'lost' | 'reset' | 'slow_headers' | 'slow_body' | 'malformed_json' | 'cut_body' | 'empty_body' | 'html_502';

/** Sends, spoils or withholds an answer of 200 with the body. */
export async function sendSpoilt(
  parts: Pick<Parts, 'store' | 'timers'>,
  req: Request,
  res: Response,
  spoiling: Spoiling,
  body: object,
): Promise<void> {
  const { slowAnswerMs } = parts.store.state().config.timings;
  const text = JSON.stringify(body);
  switch (spoiling) {
    case 'whole':
      res.json(body);
      return;
    case 'lost':
      req.socket.destroy();
      return;
    case 'reset':
      req.socket.resetAndDestroy();
      return;
    case 'slow_headers':
      await parts.timers.sleep(slowAnswerMs);
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
    default:
      spoiling satisfies never;
  }
}

function startBody(res: Response, text: string): void {
  res.status(200).type('application/json').setHeader('Content-Length', Buffer.byteLength(text));
  res.write(text.slice(0, 10));
}
