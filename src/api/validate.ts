import type { z } from 'zod';

import { ApiProblem } from './problem';
import type { InvalidField } from './problem';

/** Further errors of a request, by its JSON body as it came in. */
export interface BodyChecks {
  /** Over several fields. */
  cross?: ((body: unknown) => readonly InvalidField[]) | undefined;
  /** Named only beside others: alone they refuse nothing here. */
  late?: ((body: unknown) => readonly InvalidField[]) | undefined;
}

/** Checks a JSON body; throws a problem that names everything that is wrong at once. */
export function parseBody<S extends z.ZodType>(
  schema: S,
  body: unknown,
  { cross = () => [], late = () => [] }: BodyChecks = {},
): z.output<S> {
  const parsed = schema.safeParse(body);
  const own = parsed.success ? [] : parsed.error.issues.flatMap((issue) => invalidFields(issue));
  const named = new Set(own.map((field) => ('pointer' in field ? field.pointer : '')));
  const errors = [...own, ...cross(body).filter((field) => !('pointer' in field && named.has(field.pointer)))];
  if (!parsed.success || errors.length > 0) {
    throw new ApiProblem('invalid_request', { errors: [...errors, ...late(body)] });
  }
  return parsed.data;
}

/** Checks the parameters after the `?`; throws a problem that names every invalid one. */
export function parseQuery<S extends z.ZodType>(schema: S, query: unknown): z.output<S> {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap((issue): InvalidField[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((parameter) => ({ parameter, detail: 'is not known here' }))
      : [{ parameter: String(issue.path[0] ?? ''), detail: issue.message }],
  );
  throw new ApiProblem('invalid_request', { errors });
}

function invalidFields(issue: z.core.$ZodIssue): InvalidField[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: jsonPointer([...issue.path, key]),
      detail: 'is not known here: leave it out',
    }));
  }
  return [{ pointer: jsonPointer(issue.path), detail: issue.message }];
}

/** RFC 6901. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
