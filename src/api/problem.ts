import { PROBLEMS } from '../domain/problems';
import type { ProblemCode } from '../domain/problems';

/** One invalid part of a request: a field of the body by JSON pointer, a parameter of the address, or a header. */
export type InvalidField = { detail: string } & ({ pointer: string } | { parameter: string } | { header: string });

export interface ProblemExtras {
  /** What is special about this case; never carries what the caller sent. */
  detail?: string;
  errors?: readonly InvalidField[];
  /** Headers that belong to the answer, such as `Allow` or `Retry-After`. */
  headers?: Readonly<Record<string, string>>;
  /** Further members of the problem, by their wire names. */
  members?: Readonly<Record<string, unknown>>;
}

/** Seconds after which a caller may ask again. */
export const RETRY_AFTER = { 'Retry-After': '5' };

/** Thrown anywhere in a request; becomes an RFC 9457 answer. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';

  constructor(
    readonly code: ProblemCode,
    readonly extras: ProblemExtras = {},
  ) {
    super(PROBLEMS[code].title);
  }
}

/** The problem+json body of a code. */
export function serializeProblem(code: ProblemCode, extras: ProblemExtras, requestId: string): Record<string, unknown> {
  const { status, title, fix } = PROBLEMS[code];
  return {
    type: `urn:cauri:problem:${code}`,
    code,
    status,
    title,
    detail: extras.detail === undefined ? fix : `${extras.detail} ${fix}`,
    ...(extras.errors === undefined ? {} : { errors: extras.errors }),
    ...extras.members,
    request_id: requestId,
  };
}
