/** What PostgreSQL refused, as the rest of Cauri speaks of it: one table from SQLSTATE. */
const SQLSTATES = {
  CA402: 'insufficient_float',
  CA403: 'approval_required',
  CA409: 'unproven_submission',
  CA001: 'immutable',
  CA002: 'hold_closed',
  CA003: 'transition_refused',
  CA004: 'outcome_refused',
  CA005: 'vote_refused',
  '23505': 'duplicate',
  '40001': 'conflict',
  '40P01': 'conflict',
  '55P03': 'conflict',
} as const;

export type DbRefusal = (typeof SQLSTATES)[keyof typeof SQLSTATES];

/** The refusal behind a database error, or null where it is another kind of trouble. */
export function refusalOf(error: unknown): DbRefusal | null {
  const code = sqlState(error);
  return code !== null && Object.hasOwn(SQLSTATES, code) ? SQLSTATES[code as keyof typeof SQLSTATES] : null;
}

/** What the guards of money refuse. No retry cures it: what we know and what PostgreSQL can prove differ. */
const GUARDS: readonly (DbRefusal | null)[] = [
  'unproven_submission',
  'transition_refused',
  'outcome_refused',
  'hold_closed',
];

export function isGuardRefusal(error: unknown): error is Error {
  return GUARDS.includes(refusalOf(error));
}

/** A person may not vote or act on this; the message says why, and what to do instead. */
export function isVoteRefusal(error: unknown): error is Error {
  return refusalOf(error) === 'vote_refused';
}

/** The constraint that a duplicate ran into, or null. */
export function constraintOf(error: unknown): string | null {
  return property(error, 'constraint');
}

/** True where two transactions claimed one proof at the same moment: done again, the second one sees the first. */
export function isLostProof(error: unknown): boolean {
  return constraintOf(error) === 'submissions_proof';
}

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOENT',
  'EHOSTUNREACH',
  'ENOTFOUND',
]);

/** True where the database could not be reached or is going down or coming up; nothing is known to be wrong with the statement. */
export function isUnavailable(error: unknown): boolean {
  const code = property(error, 'code');
  if (code !== null) {
    // Class 08: connection; 57P0x: shutting down, starting up; 57014: it took too long, as behind somebody's lock; 53300:
    // too many connections.
    return NETWORK_CODES.has(code) || /^(08...|57P..|57014|53300)$/.test(code);
  }
  // node-postgres gives its own connection errors no code.
  const message = property(error, 'message') ?? '';
  return /Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable/.test(
    message,
  );
}

function sqlState(error: unknown): string | null {
  const code = property(error, 'code');
  return code?.length === 5 ? code : null;
}

function property(error: unknown, name: 'code' | 'constraint' | 'message'): string | null {
  if (typeof error !== 'object' || error === null) return null;
  const value = (error as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : null;
}
