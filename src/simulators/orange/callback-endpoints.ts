import { createFieldChecker, parseJsonObject } from './body-fields';
import type { Call, Gateway } from './gateway';
import type { Parts } from './parts';
import { Problem } from './problem';
import type { Registration } from './state';
import { integerWithin } from './transaction-query';

const PATH = '/api/notification/v1/merchantcallback';
const SIX_DIGITS = { pattern: /^\d{6}$/, message: 'must match "^\\d{6}$"' };
const HTTPS_URL = { pattern: /^https:\/\/[^/\s]+\S*$/, message: 'must match "^https://"' };
const ANY_TEXT = { pattern: /^[\s\S]*$/, message: 'must be a string' };

/** Registration and list of callback addresses. Registering a code again replaces its address. */
export function addCallbackEndpoints({ store }: Parts, gateway: Gateway): void {
  gateway.route('post', PATH, 'registerCallback', ({ res, raw, owns }) => {
    const body = parseJsonObject(raw);
    const check = createFieldChecker();
    const code = check.text('code', body['code'], SIX_DIGITS);
    const callbackUrl = check.text('callbackUrl', body['callbackUrl'], HTTPS_URL);
    const name = check.optionalText('name', body['name'], ANY_TEXT);
    const apiKey = check.optionalText('apiKey', body['apiKey'], ANY_TEXT);
    if (callbackUrl !== '' && !URL.canParse(callbackUrl)) check.invalid('callbackUrl', 'must be a URL');
    check.done();
    const registered = [...store.state().accounts.values()].some((account) => account.code === code);
    if (!registered || !owns(code)) throw new Problem(403, '11');
    store.record({ e: 'callback_registered', code, callbackUrl, name, apiKey, at: Date.now() });
    res.status(201);
    if (store.state().config.callbacks.emptyRegistrationBody) res.end();
    else res.json({ code, callbackUrl, name });
  });

  const list = ({ res, query, owns }: Call): void => {
    const { registrations, config } = store.state();
    const code = query.get('code');
    const page = integerWithin(0, Number.MAX_SAFE_INTEGER)(query.get('page') ?? '0');
    const size = integerWithin(1, 100)(query.get('size') ?? '20');
    if (page === undefined || size === undefined) throw new Problem(400, '28');
    const found = [...registrations.values()].filter(
      (entry) => owns(entry.code) && (code === null || entry.code === code),
    );
    res.json(found.slice(page * size, (page + 1) * size).map((entry) => listed(entry, config.callbacks.echoApiKey)));
  };
  gateway.route('get', PATH, 'listCallbacks', list, { typedGet: true });
}

function listed({ code, callbackUrl, name, apiKey, at }: Registration, echoApiKey: boolean): object {
  const [day, time] = new Date(at).toISOString().split('T');
  const createdAt = `${(day ?? '').split('-').reverse().join('-')} ${(time ?? '').slice(0, 8)}`;
  return { code, callbackUrl, name, msisdn: null, ...(echoApiKey ? { apiKey } : {}), createdAt };
}
