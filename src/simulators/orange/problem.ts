import type { Response } from 'express';

export interface Violation {
  readonly field: string;
  readonly message: string;
}

/** An answer that is an error; thrown by handlers, turned into problem+json at the edge. */
export class Problem extends Error {
  constructor(
    readonly http: number,
    /** Orange's code as a string; null where the body carries none. */
    readonly code: string | null,
    readonly options: { readonly detail?: string; readonly violations?: readonly Violation[] } = {},
  ) {
    super(`${http} ${code ?? 'without code'}`);
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Entity not found',
  405: 'Method Not Allowed',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

const DETAILS: Readonly<Record<string, string>> = {
  '1': 'The request cannot be processed now, try later',
  '2': 'The request cannot be processed now, try later',
  '5': 'The request cannot be processed now, try later',
  '9': 'Too many requests',
  '10': 'Full authentication is required to access this resource',
  '11': 'Access forbidden',
  '20': 'Invalid parameter value',
  '21': 'Missing body',
  '22': 'Invalid body',
  '23': 'Missing body field',
  '24': 'Invalid body field',
  '25': 'Missing header',
  '26': 'Invalid header',
  '27': 'Missing query parameter',
  '28': 'Invalid query parameter',
  '50': 'Internal error',
  '51': 'The request is in a pending state, do not retry',
  '60': 'Entity not found',
  '61': 'Method not allowed',
  '2000': 'Customer account does not exist',
  '2001': 'Customer MSISDN is invalid',
  '2010': 'PIN should be changed',
  '2011': 'Wrong PIN, two tries left',
  '2012': 'Wrong PIN, one try left',
  '2013': 'Wrong PIN, account blocked',
  '2020': 'Balance insufficient',
  '2021': 'Balance insufficient for payer',
  '2022': 'Balance insufficient for payee',
  '2023': 'Balance maximal',
  '2024': 'Balance maximal for payer',
  '2025': 'Balance maximal for payee',
  '2030': 'Balance maximal for payee',
  '2031': 'Balance insufficient for payer',
  '2040': 'Balance insufficient for payee',
  '2041': 'Transaction not allowed',
  '2042': 'Transaction not allowed for payer',
  '2043': 'Transaction not allowed for payee',
  '4003': 'Decryption failed: invalid or revoked public key',
  '4099': 'Bad request, check the parameters',
};

/** Orange's words for what is wrong. */
export function detailOf({ http, code, options }: Problem): string {
  return options.detail ?? (code === null ? undefined : DETAILS[code]) ?? TITLES[http] ?? 'Error';
}

/** Writes RFC 7807 with `status` and `code` as strings, as Orange does. */
export function sendProblem(res: Response, instance: string, problem: Problem): void {
  const { http, code, options } = problem;
  const title = TITLES[http] ?? 'Error';
  res.locals['code'] = code;
  res
    .status(http)
    .type('application/problem+json')
    .json({
      type: `/${title.toLowerCase().replaceAll(' ', '-')}`,
      title,
      instance,
      status: String(http),
      ...(code === null ? {} : { code }),
      detail: detailOf(problem),
      ...(options.violations === undefined ? {} : { violations: options.violations }),
    });
}
