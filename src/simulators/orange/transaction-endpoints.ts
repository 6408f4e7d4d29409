import type { Request, Response, Router } from 'express';
import { parseJsonObject, isJsonObject } from './body-fields';
import { followRedirect, takeCashIn } from './cash-in';
import { answerCashIn, transactionResponse } from './cash-in-answer';
import { parseCashInRequest, type CashInRequest } from './cash-in-request';
import { rawBody, type Gateway } from './gateway';
import { ownedRetailer } from './owned-retailer';
import type { Parts } from './parts';
import { Problem } from './problem';
import { parseTransactionQuery } from './transaction-query';
import { createTransactionSearch } from './transaction-search';

const CASH_INS = '/api/eWallet/v1/cashins';

interface Redirected {
  readonly request: CashInRequest;
  readonly payer: string;
}

/** Cash-in, transaction search and status. */
export function addTransactionEndpoints(parts: Parts, gateway: Gateway, router: Router): void {
  const search = createTransactionSearch();
  const redirected = new Map<number, Redirected>();

  router.post(CASH_INS, (req, res, next) => {
    receive(parts, req, res);
    next();
  });

  gateway.route('post', CASH_INS, 'cashIn', async ({ req, res, raw, owns }) => {
    const submission = Number(res.locals['submission']);
    const request = parseCashInRequest(parseJsonObject(raw));
    const taken = await takeCashIn(parts, owns, submission, request);
    if (taken.scenario.answer === 'redirect_302' || taken.scenario.answer === 'redirect_307') {
      const payer = ownedRetailer(parts.store.state(), owns, request.partner.idType, request.partner.id).msisdn;
      redirected.set(submission, { request, payer });
    }
    await answerCashIn(parts, req, res, taken, submission);
  });

  router.all(`${CASH_INS}/moved/:submission`, (req, res) => {
    const submission = Number(req.params['submission']);
    const again = redirected.get(submission);
    if (again === undefined) throw new Problem(404, '60');
    res.json(transactionResponse(followRedirect(parts, submission, again.request, again.payer)));
  });

  gateway.route('get', '/api/eWallet/v1/transactions', 'search', ({ res, owns, query }) => {
    res.type('application/json').send(search.find(parts.store.state(), owns, parseTransactionQuery(query)));
  });

  gateway.route('get', '/api/eWallet/v1/transactions/:transactionId/status', 'status', ({ req, res, owns }) => {
    const id = String(req.params['transactionId']);
    if (id.length !== 20)
      throw new Problem(400, '20', { violations: [{ field: 'transactionId', message: 'size must be 20' }] });
    const state = parts.store.state();
    const row = state.rowById.get(id);
    if (row === undefined || !owns(state.accounts.get(row.payer)?.code ?? null)) throw new Problem(404, '60');
    res.json({ status: row.status });
  });
}

/** Writes the request down before anything else is looked at, and what became of its answer once the connection knows. */
function receive({ store }: Parts, req: Request, res: Response): void {
  const body = looseJson(rawBody(req));
  const customer = isJsonObject(body['customer']) ? body['customer'] : {};
  const amount = isJsonObject(body['amount']) ? Number(body['amount']['value']) : Number.NaN;
  const submission = store.state().submissions.length;
  store.record({
    e: 'received',
    submission,
    reference: typeof body['reference'] === 'string' ? body['reference'] : null,
    customer: typeof customer['id'] === 'string' ? customer['id'] : null,
    amount: Number.isFinite(amount) ? amount : null,
    at: Date.now(),
  });
  res.locals['submission'] = submission;
  const received = store.state();
  res.on('close', () => {
    if (store.closed() || store.state() !== received) return;
    const sent = [String(res.statusCode), res.locals['code']].filter((part) => typeof part === 'string').join(' ');
    store.record({ e: 'answered', submission, answer: res.writableFinished ? sent : 'lost' });
  });
}

function looseJson(raw: string): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(raw);
    return isJsonObject(body) ? body : {};
  } catch {
    return {};
  }
}
