import express, { type Request, type Response, type Router } from 'express';
import { isJsonObject } from '../body-fields';
import { rawBody, type Gateway } from '../gateway';
import type { Parts } from '../parts';
import { answerBulk } from './bulk-answer';
import { parseBulkRequest, parseCallbackUrl } from './bulk-request';
import { takeBulk } from './take-bulk';

const BULK_CASH_INS = '/api/eWallet/v1/bulkcashins';

/** To be added before the bodies of other endpoints are read: a batch is larger. */
export function addBulkBody(router: Router): void {
  router.use(BULK_CASH_INS, express.text({ type: () => true, limit: '64mb' }));
}

/** Bulk cash-in. */
export function addBulkEndpoint(parts: Parts, gateway: Gateway, router: Router): void {
  router.post(BULK_CASH_INS, (req, res, next) => {
    receive(parts, req, res);
    next();
  });

  gateway.route('post', BULK_CASH_INS, 'bulkCashIn', async ({ req, res, raw, owns }) => {
    const callbackUrl = parseCallbackUrl(req.get('x-callback-url'));
    const requests = parseBulkRequest(raw, parts.store.state().config.bulk.maxItems);
    const { call, first } = res.locals as { call: number; first: number };
    await answerBulk(parts, req, res, await takeBulk(parts, owns, { call, first, callbackUrl, requests }));
  });
}

interface ReceivedLine {
  readonly reference: string | null;
  readonly customer: string | null;
  readonly amount: number | null;
}

/** Writes the call and its lines down before anything else is looked at, and its answer once the connection knows. */
function receive({ store }: Parts, req: Request, res: Response): void {
  const state = store.state();
  const call = state.bulkCalls.length;
  const first = state.submissions.length;
  const callbackUrl = req.get('x-callback-url') ?? null;
  store.record({ e: 'bulk_received', call, callbackUrl, lines: looseLines(rawBody(req)), at: Date.now() });
  Object.assign(res.locals, { call, first });
  res.on('close', () => {
    if (store.closed() || store.state() !== state) return;
    const sent = [String(res.statusCode), res.locals['code']].filter((part) => typeof part === 'string').join(' ');
    store.record({ e: 'bulk_answered', call, answer: res.writableFinished ? sent : 'lost' });
  });
}

function looseLines(raw: string): ReceivedLine[] {
  try {
    const body: unknown = JSON.parse(raw);
    return (Array.isArray(body) ? body : []).filter(isJsonObject).map(({ reference, customer, amount }) => {
      const id = isJsonObject(customer) ? customer['id'] : null;
      const value = isJsonObject(amount) ? Number(amount['value']) : Number.NaN;
      return {
        reference: typeof reference === 'string' ? reference : null,
        customer: typeof id === 'string' ? id : null,
        amount: Number.isFinite(value) ? value : null,
      };
    });
  } catch {
    return [];
  }
}
