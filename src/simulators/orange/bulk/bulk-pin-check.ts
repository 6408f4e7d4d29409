import { setImmediate } from 'node:timers/promises';
import type { Parts } from '../parts';
import { comparePin, decryptPin } from '../pin-check';
import { accountOf } from '../state';

interface PinOfLine {
  /** Msisdn of the paying account. */
  readonly payer: string;
  readonly encryptedPinCode: string;
}

/** A decryption costs a millisecond of the only thread: after so many the other requests have their turn. */
const AT_ONCE = 8;

/**
 * Checks the PIN of every line. A block of another key is looked for first and costs no try. A batch costs one try however
 * many of its PINs are wrong. Throws 4003, 2011, 2012 or 2013.
 */
export async function checkPins(parts: Parts, lines: readonly PinOfLine[]): Promise<void> {
  const pins: { payer: string; pin: string }[] = [];
  for (const { payer, encryptedPinCode } of lines) {
    pins.push({ payer, pin: decryptPin(parts, encryptedPinCode) });
    if (pins.length % AT_ONCE === 0) await setImmediate();
  }
  // A right PIN resets the tries: none may be compared before a wrong one of the same batch.
  const wrong = pins.find(({ payer, pin }) => pin !== accountOf(parts.store.state(), payer).pin);
  for (const { payer, pin } of wrong === undefined ? pins : [wrong]) comparePin(parts, payer, pin);
}
