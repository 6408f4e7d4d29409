import { cleanCode } from '../clean-words';
import type { HttpAnswer } from '../http/http-request';
import { ProviderError } from '../provider';
import type { ProviderErrorKind } from '../provider';
import { CODE_MEANINGS, isOrangeCode } from './outcome-table';
import type { OrangeCode } from './outcome-table';
import { errorBodySchema, readJson } from './schemas';

/** A PIN that is right, and must be changed before anything else. */
const PIN_TO_BE_CHANGED = '2010' satisfies OrangeCode;

/** Wrong PIN. */
const PIN_CODES: readonly string[] = ['2011', '2012', '2013'] satisfies readonly OrangeCode[];

/** Words of the OAuth gateway for a client that it does not know or does not accept; it sends them with 400 and 401. */
const CLIENT_ERRORS: readonly string[] = ['invalid_client', 'unauthorized_client'];

/** What an answer other than the expected one means for a call that moves no money. */
export function refusalOf(label: string, answer: HttpAnswer): ProviderError {
  const body = errorBodySchema.safeParse(readJson(answer.body));
  const code = cleanCode(body.data?.code ?? body.data?.error);
  return new ProviderError(kindOf(answer.status, code, body.success), `orange ${label}: HTTP ${answer.status}`, code);
}

function kindOf(http: number, code: string | null, readable: boolean): ProviderErrorKind {
  if (http === 401) return 'token';
  if (http === 429) return 'throttled';
  if (http >= 500) return 'unavailable';
  if (http < 400 || !readable) return 'malformed';
  if (code === null) return 'refused';
  if (CLIENT_ERRORS.includes(code)) return 'token';
  if (!isDocumented(http, code)) return 'refused';
  if (code === '4003') return 'key';
  if (code === PIN_TO_BE_CHANGED) return 'secret_expired';
  return PIN_CODES.includes(code) ? 'pin' : 'refused';
}

/** True where the specification lists this code under this HTTP status. */
export function isDocumented(http: number, code: string): boolean {
  return isOrangeCode(code) && CODE_MEANINGS[code].http === http;
}
