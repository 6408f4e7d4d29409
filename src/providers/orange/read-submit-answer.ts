import type { Outcome, ProviderWords } from '../../domain/outcome';
import { cleanCode, cleanReference, cleanText } from '../clean-words';
import type { HttpAnswer } from '../http/http-request';
import {
  CODE_MEANINGS,
  HTTP_MEANINGS,
  isOrangeCode,
  isOrangeStatus,
  meaningOfOther,
  STATUS_MEANINGS,
} from './outcome-table';
import type { ErrorMeaning } from './outcome-table';
import { errorBodySchema, readJson, transactionResponseSchema } from './schemas';
import type { ErrorBody } from './schemas';

const NO_WORDS: ProviderWords = { code: null, text: null };

/** Turns the provider's answer to the money call into its outcome, by the table. What the table lacks is `unknown`. */
export function readSubmitAnswer(answer: HttpAnswer, reference: string): Outcome {
  return answer.status === 200 ? readTransaction(answer, reference) : readError(answer, reference);
}

function readTransaction(answer: HttpAnswer, reference: string): Outcome {
  const parsed = transactionResponseSchema.safeParse(readJson(answer.body));
  const providerReference = cleanReference(parsed.data?.transactionId);
  if (!parsed.success || providerReference === null)
    return { outcome: 'unknown', reason: 'malformed_body', ...NO_WORDS };
  const { status, description } = parsed.data;
  const words = { code: cleanCode(status), text: cleanText(description) };
  if (namesAnother(parsed.data.reference, reference))
    return { outcome: 'unknown', reason: 'other_reference', ...words };
  if (!isOrangeStatus(status)) return { outcome: 'unknown', reason: 'unmapped_status', providerReference, ...words };
  return { ...STATUS_MEANINGS[status], providerReference, ...words };
}

function readError(answer: HttpAnswer, reference: string): Outcome {
  const parsed = errorBodySchema.safeParse(readJson(answer.body));
  if (!parsed.success) return { ...meaningOfUnreadable(answer.status), ...NO_WORDS };
  const { data } = parsed;
  const words = {
    code: cleanCode(data.code ?? data.error),
    text: cleanText(data.detail ?? data.error_description ?? data.title),
  };
  if (namesAnother(data.reference, reference)) return { outcome: 'unknown', reason: 'other_reference', ...words };
  return { ...meaningOfError(answer.status, data), ...words };
}

function meaningOfUnreadable(http: number): ErrorMeaning {
  if (http in HTTP_MEANINGS) return HTTP_MEANINGS[http as keyof typeof HTTP_MEANINGS];
  return http >= 400 && http < 500 ? { outcome: 'unknown', reason: 'malformed_body' } : meaningOfOther(http);
}

function meaningOfError(http: number, body: ErrorBody): ErrorMeaning {
  if (http in HTTP_MEANINGS) return HTTP_MEANINGS[http as keyof typeof HTTP_MEANINGS];
  if (typeof body.code !== 'string' || !isOrangeCode(body.code)) return meaningOfOther(http);
  const line = CODE_MEANINGS[body.code];
  // An answer that contradicts itself proves nothing.
  const contradicts = typeof body.status === 'string' && body.status !== String(http);
  return line.http === http && !contradicts ? line.meaning : meaningOfOther(http);
}

/** The reference is optional in the provider's answers; one that is there must be ours. */
function namesAnother(found: unknown, ours: string): boolean {
  return found !== undefined && found !== null && found !== ours;
}
