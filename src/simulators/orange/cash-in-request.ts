import { createFieldChecker, isJsonObject, type FieldChecker, type JsonObject } from './body-fields';
import { parseDateTime } from './date-time';
import type { Party } from './events';

export interface CashInRequest {
  readonly partner: Party;
  readonly encryptedPinCode: string;
  readonly customer: Party;
  /** Whole XOF. */
  readonly amount: number;
  readonly reference: string | null;
  readonly receiveNotification: boolean;
  readonly requestDate: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

const ID_TYPE = { pattern: /^(CODE|MSISDN)$/, message: 'must be one of CODE, MSISDN' };
const WALLET_TYPE = { pattern: /^(PRINCIPAL|INTERNATIONAL)$/i, message: 'must be one of PRINCIPAL, INTERNATIONAL' };
const MAX_AMOUNT = 1_000_000_000_000;

/** Parses a TransactionRequest or throws 23 or 24 with every violation. */
export function parseCashInRequest(body: JsonObject): CashInRequest {
  const check = createFieldChecker();
  const partner = check.object('partner', body['partner']);
  const request = {
    partner: party(check, 'partner', partner),
    encryptedPinCode: check.pinBlock('partner.encryptedPinCode', partner['encryptedPinCode']),
    customer: party(check, 'customer', check.object('customer', body['customer'])),
    amount: amount(check, check.object('amount', body['amount'])),
    reference: check.optionalText('reference', body['reference'], {
      pattern: /^[\s\S]{0,50}$/,
      message: 'size must be between 0 and 50',
    }),
    receiveNotification: receiveNotification(check, body['receiveNotification']),
    requestDate: requestDate(check, body['requestDate']),
    metadata: metadata(check, body['metadata']),
  };
  check.done();
  return request;
}

function party(check: FieldChecker, path: string, value: JsonObject): Party {
  return {
    id: check.msisdn(`${path}.id`, value['id']),
    idType: check.text(`${path}.idType`, value['idType'], ID_TYPE),
    walletType: (
      check.optionalText(`${path}.walletType`, value['walletType'], WALLET_TYPE) ?? 'PRINCIPAL'
    ).toUpperCase(),
  };
}

/** The schema says number, a live client sends a string: both are taken. XOF has no decimals. */
function amount(check: FieldChecker, value: JsonObject): number {
  const raw = value['value'];
  if (raw === undefined || raw === null) check.missing('amount.value');
  check.text('amount.unit', value['unit'], { pattern: /^XOF$/, message: 'must be XOF' });
  const parsed = typeof raw === 'string' && /^\d+(\.0+)?$/.test(raw) ? Number(raw) : raw;
  if (raw === undefined || raw === null) return 0;
  if (typeof parsed !== 'number') check.invalid('amount.value', 'must be a number');
  else if (parsed < 1) check.invalid('amount.value', 'must be greater than or equal to 1');
  else if (!Number.isInteger(parsed) || parsed > MAX_AMOUNT)
    check.invalid('amount.value', 'must be a whole amount of XOF');
  else return parsed;
  return 0;
}

function receiveNotification(check: FieldChecker, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') check.invalid('receiveNotification', 'must be a boolean');
  return value === true;
}

/** A date-time by the document; Sonatel's own SDK sends seconds since 1970, with a fraction, as a number. */
function requestDate(check: FieldChecker, value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' && parseDateTime(value) !== undefined) return value;
  const date = typeof value === 'number' && value >= 0 ? new Date(value * 1_000) : null;
  if (date !== null && !Number.isNaN(date.getTime())) return date.toISOString();
  check.invalid('requestDate', 'must be a date-time');
  return null;
}

function metadata(check: FieldChecker, value: unknown): Record<string, string> {
  if (value === undefined || value === null) return {};
  const pairs = isJsonObject(value) ? Object.entries(value) : null;
  if (pairs === null || pairs.length > 10 || pairs.some(([, text]) => typeof text !== 'string')) {
    check.invalid('metadata', 'must be at most 10 pairs of strings');
    return {};
  }
  return Object.fromEntries(pairs) as Record<string, string>;
}
