import type { Principal } from '../domain/principal';

/** The person behind an operator's key; the database gives operators no other kind of key. */
export function personOf({ subject }: Extract<Principal, { role: 'operator' }>): string {
  if (subject.kind !== 'person') throw new Error('an operator is a person');
  return subject.personId;
}
