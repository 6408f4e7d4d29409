import { isJsonObject } from '../body-fields';
import { parseCashInRequest, type CashInRequest } from '../cash-in-request';
import { Problem, type Violation } from '../problem';

const HTTPS_URL = /^https:\/\/[^/\s]+\S*$/;

/** The address that the batch reports its end to. Throws 25 or 26. */
export function parseCallbackUrl(header: string | undefined): string {
  const field = 'X-Callback-Url';
  if (header === undefined || header === '') {
    throw new Problem(400, '25', { violations: [{ field, message: 'must not be null' }] });
  }
  if (HTTPS_URL.test(header) && URL.canParse(header)) return header;
  throw new Problem(400, '26', { violations: [{ field, message: 'must match "^https://"' }] });
}

/** Parses a bare array of TransactionRequest, or throws: 21, 22, or 23 and 24 with every violation of every line. */
export function parseBulkRequest(raw: string, maxItems: number): CashInRequest[] {
  const items = parseArray(raw);
  if (items.length === 0 || items.length > maxItems) {
    throw new Problem(400, '22', { violations: [{ field: '', message: `size must be between 1 and ${maxItems}` }] });
  }
  const violations: Violation[] = [];
  const codes = new Set<string | null>();
  const requests = items.flatMap((item, index) => {
    if (!isJsonObject(item)) {
      violations.push({ field: `[${index}]`, message: 'must be an object' });
      return [];
    }
    try {
      return [parseCashInRequest(item)];
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      codes.add(error.code);
      for (const { field, message } of error.options.violations ?? []) {
        violations.push({ field: `[${index}].${field}`, message });
      }
      return [];
    }
  });
  if (violations.length > 0) throw new Problem(400, codes.has('23') ? '23' : '24', { violations });
  return requests;
}

function parseArray(raw: string): readonly unknown[] {
  if (raw === '') throw new Problem(400, '21');
  try {
    const body: unknown = JSON.parse(raw);
    if (Array.isArray(body)) return body;
  } catch {
    // Falls through to the same answer as a body of another kind.
  }
  throw new Problem(400, '22');
}
