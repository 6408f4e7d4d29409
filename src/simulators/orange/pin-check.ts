import type { Parts } from './parts';
import { Problem } from './problem';
import { accountOf } from './state';

const TRIES = 3;
const WRONG_PIN_CODES = ['2011', '2012', '2013'] as const;

/** Decrypts a PIN block or throws 4003. */
export function decryptPin({ keyRing }: Pick<Parts, 'keyRing'>, encrypted: string): string {
  const pin = keyRing.decrypt(encrypted);
  if (pin === null) throw new Problem(400, '4003');
  return pin;
}

/** Decrypts a block and compares its PIN; `isChange`: to change it. Throws 4003, 2010, 2011, 2012 or 2013. */
export function checkPin(
  parts: Pick<Parts, 'keyRing' | 'store' | 'counts'>,
  msisdn: string,
  encrypted: string,
  options = { isChange: false },
): void {
  comparePin(parts, msisdn, decryptPin(parts, encrypted), options);
}

/**
 * Compares a PIN with the account's. The third wrong try in a row, over all endpoints that take a PIN, blocks the account:
 * from then on even the right PIN gets 2013. The right one of an account whose PIN must be changed gets 2010, unless the call
 * changes it. Throws 2010, 2011, 2012 or 2013.
 */
export function comparePin(
  parts: Pick<Parts, 'store' | 'counts'>,
  msisdn: string,
  pin: string,
  { isChange } = { isChange: false },
): void {
  const account = accountOf(parts.store.state(), msisdn);
  const right = pin === account.pin;
  parts.counts.pinChecked(right);
  if (account.wrongTries >= TRIES) throw new Problem(400, '2013');
  if (right) {
    if (account.wrongTries > 0) parts.store.record({ e: 'pin_tries', msisdn, wrong: 0 });
    if (account.mustChangePin && !isChange) throw new Problem(400, '2010');
    return;
  }
  const wrong = account.wrongTries + 1;
  parts.store.record({ e: 'pin_tries', msisdn, wrong });
  throw new Problem(400, WRONG_PIN_CODES[wrong - 1] ?? '2013');
}
