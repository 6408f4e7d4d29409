import type { Principal } from '../domain/principal';

/** The person behind an operator's key; operators are always persons. */
export function personOf({ subject }: Extract<Principal, { role: 'operator' }>): string {
  if (subject.kind !== 'person') throw new Error('an operator without a person');
  return subject.personId;
}
