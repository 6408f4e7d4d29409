/** What the operator of the installation hears of, at endpoints of its own; each once for as long as it lasts. */
export const OPERATOR_ALERTS = [
  'credential_gate.blocked',
  'review.opened',
  'float.low',
  'late_checks.overdue',
  'restore.opened',
] as const;

export type OperatorAlertKind = (typeof OPERATOR_ALERTS)[number];

/** A condition that stands now. */
export interface OperatorCondition {
  kind: OperatorAlertKind;
  /** Equal for the same condition, whenever it is read. */
  subject: string;
  /** What is told of it: ids and closed words, never a number of an account or a person. */
  detail: Readonly<Record<string, unknown>>;
}

/** The tenant that the operator's own endpoints belong to; no merchant. */
export const OPERATOR_TENANT = 'operator';
