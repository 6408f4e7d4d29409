/** What may happen to a callback on its way; see docs/simulator.md. */
export const CALLBACK_FAULTS = ['lost', 'double', 'late', 'early', 'forged', 'contradictory'] as const;
export type CallbackFault = (typeof CALLBACK_FAULTS)[number];
