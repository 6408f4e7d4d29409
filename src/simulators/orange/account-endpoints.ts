import { createFieldChecker, NINE_DIGITS, parseJsonObject } from './body-fields';
import { requestId } from './cash-in-answer';
import type { Call, Gateway } from './gateway';
import { ownedRetailer } from './owned-retailer';
import type { Parts } from './parts';
import { checkPin, decryptPin } from './pin-check';
import { Problem } from './problem';
import { scenarioOfRecipient } from './scenarios';
import { accountOf, type Account } from './state';
import { transactionId } from './transaction-id';

/** Public key, profiles, balances and the change of a PIN. */
export function addAccountEndpoints(parts: Parts, gateway: Gateway): void {
  gateway.route('get', '/api/account/v1/publicKeys', 'publicKey', ({ res }) => res.json(parts.keyRing.publicKey()));
  gateway.route('get', '/api/eWallet/v1/account', 'profile', (call) => getProfile(parts, call));
  gateway.route('patch', '/api/eWallet/v1/account', 'changePin', (call) => changePin(parts, call));
  gateway.route('get', '/api/eWallet/v1/accounts', 'profiles', (call) => searchProfiles(parts, call));
  gateway.route('post', '/api/eWallet/v1/account/retailer/balance', 'retailerBalance', (call) => {
    getBalance(parts, call, 'retailer');
  });
  gateway.route('post', '/api/eWallet/v1/account/customer/balance', 'customerBalance', (call) => {
    getBalance(parts, call, 'customer');
  });
}

function getProfile(parts: Parts, { res, query }: Call): void {
  const account = accountByMsisdn(parts, query);
  res.json(profile(account));
}

function searchProfiles(parts: Parts, { res, query }: Call): void {
  for (const field of ['msisdn', 'firstName', 'lastName']) requiredParam(query, field);
  const body = profile(accountByMsisdn(parts, query));
  const matches = body.firstName === query.get('firstName') && body.lastName === query.get('lastName');
  const fields = query.get('fields')?.split(',');
  const shown =
    fields === undefined ? body : Object.fromEntries(Object.entries(body).filter(([key]) => fields.includes(key)));
  res.json(matches ? [shown] : []);
}

function getBalance(parts: Parts, { res, raw, owns }: Call, type: 'retailer' | 'customer'): void {
  const body = parseJsonObject(raw);
  const check = createFieldChecker();
  const idType = check.text('idType', body['idType'], {
    pattern: /^(CODE|MSISDN)$/,
    message: 'must be one of CODE, MSISDN',
  });
  const id = check.msisdn('id', body['id']);
  const encrypted = check.pinBlock('encryptedPinCode', body['encryptedPinCode']);
  check.optionalText('wallet', body['wallet'], {
    pattern: /^(principal|salaire)$/i,
    message: 'must be one of principal, salaire',
  });
  check.done();
  const state = parts.store.state();
  const account = type === 'retailer' ? ownedRetailer(state, owns, idType, id) : customer(parts, id);
  checkPin(parts, account.msisdn, encrypted);
  res.json({ value: account.balance, unit: 'XOF' });
}

function changePin(parts: Parts, { res, raw, query, owns }: Call): void {
  const account = accountByMsisdn(parts, query);
  const body = parseJsonObject(raw);
  const check = createFieldChecker();
  const encrypted = check.pinBlock('encryptedPinCode', body['encryptedPinCode']);
  const encryptedNew = check.pinBlock('encryptedNewPinCode', body['encryptedNewPinCode']);
  check.done();
  if (account.type === 'retailer') ownedRetailer(parts.store.state(), owns, 'MSISDN', account.msisdn);
  const pin = decryptPin(parts, encryptedNew);
  checkPin(parts, account.msisdn, encrypted, { isChange: true });
  parts.store.record({ e: 'account', msisdn: account.msisdn, pin, mustChangePin: false, pinChanged: true });
  const now = new Date();
  res.json({
    transactionId: transactionId('CP', now.getTime() % 2_600_000, now),
    status: 'SUCCESS',
    description: 'PIN changed',
    requestId: requestId(),
  });
}

function accountByMsisdn(parts: Parts, query: URLSearchParams): Account {
  const msisdn = requiredParam(query, 'msisdn');
  if (!NINE_DIGITS.test(msisdn)) {
    throw new Problem(400, '28', { violations: [{ field: 'msisdn', message: 'must match "^\\d{9}$"' }] });
  }
  const type = query.get('type');
  if (type !== null && !/^(customer|retailer)$/i.test(type)) {
    throw new Problem(400, '28', { violations: [{ field: 'type', message: 'must be one of customer, retailer' }] });
  }
  const unknown = scenarioOfRecipient(msisdn)?.name === 'customer_unknown';
  const account = accountOf(parts.store.state(), msisdn);
  if (unknown || (type?.toLowerCase() === 'retailer' && account.type !== 'retailer')) throw new Problem(404, '60');
  return account;
}

function customer(parts: Parts, msisdn: string): Account {
  const account = accountOf(parts.store.state(), msisdn);
  if (account.type !== 'customer') throw new Problem(403, '11');
  return account;
}

function requiredParam(query: URLSearchParams, field: string): string {
  const value = query.get(field);
  if (value !== null && value !== '') return value;
  throw new Problem(400, '27', { violations: [{ field, message: 'must not be null' }] });
}

function profile(account: Account) {
  return {
    userId: `PT${account.msisdn.slice(0, 6)}.${account.msisdn.slice(5)}.000000`,
    msisdn: account.msisdn,
    firstName: 'A',
    lastName: 'B',
    type: account.type === 'retailer' ? 'retailer' : 'customer',
    grade: 'Full',
    suspended: account.suspended ? 'Yes' : 'No',
    barred: 'No',
    balance: { value: account.balance, unit: 'XOF' },
    frozenBalance: { value: 0, unit: 'XOF' },
  };
}
