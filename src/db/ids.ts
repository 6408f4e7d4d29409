import { createHash, randomBytes } from 'node:crypto';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Prefixes of public ids: what an id names can be seen from it. */
export type IdPrefix =
  | 'po'
  | 'bulk'
  | 'bat'
  | 'sub'
  | 'str'
  | 'rst'
  | 'lu'
  | 'rev'
  | 'dec'
  | 'stop'
  | 'cred'
  | 'key'
  | 'cb'
  | 'we'
  | 'alt'
  | 'reg'
  | 'dk'
  | 'pc'
  | 'mer'
  | 'per';

/** A new id: 48 bits of time, so that ids sort by age, and 80 random bits; 26 characters of Crockford's base 32. */
export function newId(prefix: IdPrefix): string {
  return spellId(prefix, (BigInt(Date.now()) << 80n) | BigInt(`0x${randomBytes(10).toString('hex')}`));
}

/** The id that follows from these words, always the same; nobody finds two sets of words with one id. */
export function idFrom(prefix: IdPrefix, ...words: readonly string[]): string {
  return spellId(prefix, BigInt(`0x${createHash('sha256').update(JSON.stringify(words)).digest('hex')}`));
}

function spellId(prefix: IdPrefix, bits: bigint): string {
  let text = '';
  for (let shift = 125n; shift >= 0n; shift -= 5n) text += ALPHABET[Number((bits >> shift) & 31n)] ?? '';
  return `${prefix}_${text}`;
}
