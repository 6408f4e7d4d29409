import type { BatchOutcome } from '../../domain/batch';
import type { ProviderWords } from '../../domain/outcome';
import { cleanCode, cleanReference, cleanText } from '../clean-words';
import type { HttpAnswer } from '../http/http-request';
import { sendOnce } from '../http/send-once';
import type { BulkOperations } from '../provider';
import { parseBatchCallback } from './callback';
import type { OrangeClient } from './client';
import { bulkMeaningOf, bulkMeaningOfHttp, isOrangeBulkStatus } from './bulk-outcome-table';
import type { ResolvedOrangeOptions } from './options';
import { isOrangeCode, meaningOfOther } from './outcome-table';
import type { ErrorMeaning } from './outcome-table';
import { bulkResponseSchema, errorBodySchema, readJson } from './schemas';
import { listBatch } from './search';
import { cashin } from './submit';

/** Creates the provider's own bulk call and what belongs to it. */
export function createBulkOperations(client: OrangeClient, options: ResolvedOrangeOptions): BulkOperations {
  const { connectMs, headersMs, bodyMs } = options.timeouts;
  return {
    maxLines: options.bulkMaxLines,
    submitTimeoutMs: connectMs + headersMs + bodyMs,

    async submit(order, clearance, sendBy) {
      const request = client.prepare({
        method: 'POST',
        path: '/api/eWallet/v1/bulkcashins',
        token: order.token,
        body: order.lines.map((line) => cashin({ ...line, account: order.account }, options.receiveNotification)),
        headers: { 'X-Callback-Url': order.callbackUrl },
      });
      const result = await sendOnce(request, { ...options, clearance, sendBy });
      if (!result.sent) return { outcome: 'not_sent', reason: result.reason, ...NO_WORDS };
      if (!result.answered) return { outcome: 'unknown', reason: result.reason, batchReference: null, ...NO_WORDS };
      return readBulkAnswer(result.answer);
    },

    listLines: ({ token, batchReference, nextPage }) =>
      listBatch(client, options, { token, bulkId: batchReference, nextPage }),

    parseCallback: (callback, secrets) => parseBatchCallback(callback, secrets, options.callbackToleranceMs),
  };
}

const NO_WORDS: ProviderWords = { code: null, text: null };

/** Turns the provider's answer to a bulk call into its outcome, by the table. What the table lacks is `unknown`. */
export function readBulkAnswer(answer: HttpAnswer): BatchOutcome {
  return answer.status === 200 ? readTaken(answer) : readError(answer);
}

function readTaken(answer: HttpAnswer): BatchOutcome {
  const parsed = bulkResponseSchema.safeParse(readJson(answer.body));
  if (!parsed.success) return unknown('malformed_body', null, NO_WORDS);
  const { status, description } = parsed.data;
  const batchReference = cleanReference(parsed.data.bulkId);
  const words = { code: cleanCode(status), text: cleanText(description) };
  if (!isOrangeBulkStatus(status)) return unknown('unmapped_status', batchReference, words);
  if (status === 'REJECTED') return { outcome: 'refused_whole', batchReference, ...words };
  if (batchReference === null) return unknown('malformed_body', null, words);
  return { outcome: 'taken', batchReference, ...words };
}

function readError(answer: HttpAnswer): BatchOutcome {
  const { data } = errorBodySchema.safeParse(readJson(answer.body));
  const words = {
    code: cleanCode(data?.code ?? data?.error),
    text: cleanText(data?.detail ?? data?.error_description ?? data?.title),
  };
  // A batch has no reference of its own: an answer that carries one speaks of one line, or of another's call.
  if (data?.reference !== undefined && data.reference !== null) return unknown('other_reference', null, words);
  const meaning = meaningOf(answer.status, data?.code, data?.status);
  return meaning.outcome === 'unknown' ? unknown(meaning.reason, null, words) : { ...meaning, ...words };
}

function meaningOf(http: number, code: string | null | undefined, claimed: string | null | undefined): ErrorMeaning {
  const ofHttp = bulkMeaningOfHttp(http);
  if (ofHttp) return ofHttp;
  // An answer that contradicts itself proves nothing.
  const contradicts = typeof claimed === 'string' && claimed !== String(http);
  if (typeof code !== 'string' || !isOrangeCode(code) || contradicts) return meaningOfOther(http);
  return bulkMeaningOf(code, http) ?? meaningOfOther(http);
}

function unknown(reason: string, batchReference: string | null, words: ProviderWords): BatchOutcome {
  return { outcome: 'unknown', reason, batchReference, ...words };
}
