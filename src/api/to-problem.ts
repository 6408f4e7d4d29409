import { isUnavailable, refusalOf } from '../db/errors';
import { StalePayoutError } from '../db/move-payout';
import { SearchTooSlowError } from '../db/searches';
import { CommitUnknownError } from '../db/transaction';
import { ApiProblem, RETRY_AFTER } from './problem';

/** The border to HTTP: what went wrong below, as a problem. Null where it is not foreseen, which is a fault of ours. */
export function toProblem(error: unknown): ApiProblem | null {
  if (error instanceof ApiProblem) return error;
  if (error instanceof CommitUnknownError) return new ApiProblem('outcome_not_known', { headers: RETRY_AFTER });
  if (error instanceof SearchTooSlowError) return new ApiProblem('search_too_broad');
  if (error instanceof StalePayoutError) return new ApiProblem('conflict');
  if (isUnavailable(error)) return new ApiProblem('unavailable', { headers: RETRY_AFTER });
  if (refusalOf(error) === 'conflict') return new ApiProblem('unavailable', { headers: RETRY_AFTER });
  return readerProblem(error);
}

/** What Express and its body parsers throw, by the type that they document. */
function readerProblem(error: unknown): ApiProblem | null {
  const { type, status, limit } = error as { type?: unknown; status?: unknown; limit?: unknown };
  switch (type) {
    case 'entity.too.large':
      return new ApiProblem('body_too_large', {
        detail: `The limit is ${Number(limit)} bytes.`,
        members: { limit: Number(limit) },
        headers: { Connection: 'close' },
      });
    case 'entity.parse.failed':
      return new ApiProblem('malformed_json');
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new ApiProblem('unsupported_media_type');
    default:
      // Broken compression, an aborted body, a path that cannot be decoded.
      return status === 400 ? new ApiProblem('malformed_request') : null;
  }
}
