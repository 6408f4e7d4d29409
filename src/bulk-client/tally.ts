import type { PayoutState } from '../domain/payout-state';

/** States of lines as a person reads them; every state of a payout stands in one group. */
export const LINE_GROUPS = {
  paid: ['succeeded'],
  failed: ['failed'],
  cancelled: ['cancelled'],
  returned: ['returned'],
  in_review: ['in_review'],
  unknown: ['unknown'],
  under_way: ['processing', 'pending'],
  waiting: ['accepted', 'scheduled', 'queued'],
} as const satisfies Record<string, readonly PayoutState[]>;

export type LineGroup = keyof typeof LINE_GROUPS;

export const LINE_GROUP_NAMES = Object.keys(LINE_GROUPS) as readonly LineGroup[];

/** Lines and amounts (minor units, digits) by the state of the payout, as the API tells them. */
export type Progress = Readonly<Record<string, { lines: number; amount: string }>>;

export interface Tally {
  lines: Readonly<Record<LineGroup, number>>;
  /** Minor units. */
  amounts: Readonly<Record<LineGroup, bigint>>;
}

/** A state that only a newer API knows counts as under way. */
export function tally(progress: Progress): Tally {
  const lines = zeroes<number>(0);
  const amounts = zeroes<bigint>(0n);
  for (const [state, { lines: count, amount }] of Object.entries(progress)) {
    const group = groupOf(state);
    lines[group] += count;
    amounts[group] += BigInt(amount);
  }
  return { lines, amounts };
}

/** Lines that are final or with people. */
export function restingLines({ lines }: Tally): number {
  return lines.paid + lines.failed + lines.cancelled + lines.returned + lines.in_review;
}

/** `paid 12, failed 1`: what there is, and nothing that is not. */
export function describeLines({ lines }: Tally): string {
  const present = LINE_GROUP_NAMES.filter((group) => lines[group] > 0);
  return present.map((group) => `${groupWords(group)} ${lines[group].toLocaleString('en')}`).join(', ');
}

export function groupWords(group: LineGroup): string {
  return group.replaceAll('_', ' ');
}

function groupOf(state: string): LineGroup {
  return LINE_GROUP_NAMES.find((group) => (LINE_GROUPS[group] as readonly string[]).includes(state)) ?? 'under_way';
}

function zeroes<Value>(zero: Value): Record<LineGroup, Value> {
  return Object.fromEntries(LINE_GROUP_NAMES.map((group) => [group, zero])) as Record<LineGroup, Value>;
}
