import { cleanCode } from '../clean-words';
import { createKeptSender } from '../http/kept-sender';
import { sendOnce } from '../http/send-once';
import type { Provider } from '../provider';
import { createAccountOperations } from './account-operations';
import { authenticate } from './authenticate';
import { createBulkOperations } from './bulk';
import { parseCallback } from './callback';
import { createOrangeClient } from './client';
import { resolveOrangeOptions } from './options';
import type { OrangeOptions } from './options';
import { statusSchema } from './schemas';
import { listTransactions, lookUp } from './search';
import { spellRecipient } from './spell';
import { submit } from './submit';
import type { SendMoney } from './submit';
import { toStatus } from './transaction-status';

export type { OrangeOptions } from './options';

/** Creates the connector to Orange Money (Sonatel, Senegal), API v1.1.0. */
export function createOrangeProvider(options: OrangeOptions): Provider {
  const resolved = resolveOrangeOptions(options);
  const client = createOrangeClient(resolved);
  const { connectMs, headersMs, bodyMs } = resolved.timeouts;
  const sendAlone: SendMoney = (request, call) => sendOnce(request, { ...resolved, ...call });
  const sendKept: SendMoney = createKeptSender(resolved);
  return {
    id: 'orange',
    // The specification states no rule for a reference that is used twice, and none for one that a search does not show.
    dedupe: { kind: 'lookup', absenceIsEvidence: false, resendAfterMs: resolved.resendAfterMs },
    settlementWindowMs: resolved.settlementWindowMs,
    submitTimeoutMs: connectMs + headersMs + bodyMs,
    clockMarginMs: resolved.lookUpBackMarginMs,
    authenticate: (account) => authenticate(client, account),
    submit: (order, clearance, sendBy, connection = 'own') =>
      submit(client, resolved, order, { clearance, sendBy, send: connection === 'own' ? sendAlone : sendKept }),
    async fetchStatus(_account, token, providerReference) {
      const path = `/api/eWallet/v1/transactions/${encodeURIComponent(providerReference)}/status`;
      const { status } = await client.read('status', { method: 'GET', path, token }, statusSchema);
      return { status: toStatus(status), code: cleanCode(status), text: null };
    },
    lookUp: (query) => lookUp(client, resolved, query),
    listTransactions: (query) => listTransactions(client, resolved, query),
    spellRecipient,
    parseCallback: (callback, secrets) => parseCallback(callback, secrets, resolved.callbackToleranceMs),
    bulk: createBulkOperations(client, resolved),
    account: createAccountOperations(client, resolved),
  };
}
