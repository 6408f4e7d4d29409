import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { createOrangeSimulator, type OrangeSimulator, type OrangeSimulatorOptions } from '../../src/simulators/orange';

export const RETAILER = '781234567';
export const PIN = '2468';

/** The fields of all bodies that tests look at; which of them are there depends on the endpoint. */
interface AnswerBody {
  readonly status: string;
  readonly code?: string;
  readonly detail: string;
  readonly transactionId: string;
  readonly reference: string;
  readonly violations: readonly { readonly field: string; readonly message: string }[];
  readonly error: string;
  readonly access_token: string;
  readonly refresh_token: string;
  readonly keyId: string;
  readonly key: string;
}

/** One element of a bare array: a transaction, a sim card, a callback registration. */
interface AnswerItem {
  readonly transactionId: string;
  readonly status: string;
  readonly reference: string;
  readonly amount: { readonly value: number };
  readonly customer: { readonly id: string };
  readonly type: string;
  readonly statusReason?: string;
  readonly bulkId?: string;
  readonly msisdn: string;
  readonly pinCode: string;
}

export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
  readonly body: AnswerBody;
  /** The same body where it is an array. */
  readonly items: readonly AnswerItem[];
}

/** A client as Orange's published ones are: form-encoded token, PEM from the bare key, PKCS#1 v1.5. */
export interface OrangeClient {
  readonly simulator: OrangeSimulator;
  send(method: string, path: string, options?: SendOptions): Promise<Answer>;
  token(): Promise<string>;
  renewToken(): Promise<void>;
  encrypt(pin: string): Promise<string>;
  /** A cash-in request with the right PIN unless overridden. */
  cashInBody(customer: string, reference: string, override?: Record<string, unknown>): Promise<Record<string, unknown>>;
  cashIn(customer: string, reference: string, options?: SendOptions): Promise<Answer>;
  /** The cash-in's answer, or `lost` when the connection ended without a whole one. */
  cashInOrLost(customer: string, reference: string, options?: SendOptions): Promise<Answer | 'lost'>;
  search(query: string): Promise<readonly AnswerItem[]>;
  status(transactionId: string): Promise<string>;
}

interface SendOptions {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly redirect?: 'follow' | 'manual';
  readonly timeoutMs?: number;
}

export async function startSimulator(options: OrangeSimulatorOptions = {}): Promise<OrangeClient> {
  return clientOf(await createOrangeSimulator({ rateLimitPerMinute: null, ...options }));
}

export function clientOf(simulator: OrangeSimulator): OrangeClient {
  let held: string | undefined;

  async function token(): Promise<string> {
    if (held === undefined) await renewToken();
    return held ?? '';
  }

  async function renewToken(): Promise<void> {
    const answer = await requestToken(simulator.url, {});
    held = answer.body.access_token;
  }

  async function send(method: string, path: string, options: SendOptions = {}): Promise<Answer> {
    const response = await fetch(`${simulator.url}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${await token()}`,
        'Content-Type': 'application/json',
        ...options.headers,
      },
      redirect: options.redirect ?? 'manual',
      ...(options.body === undefined ? {} : { body: bodyText(options.body) }),
      ...(options.timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(options.timeoutMs) }),
    });
    return readAnswer(response);
  }

  async function encrypt(pin: string): Promise<string> {
    const { body } = await send('GET', '/api/account/v1/publicKeys');
    const key = createPublicKey({ key: Buffer.from(body.key, 'base64'), format: 'der', type: 'spki' });
    return publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(pin)).toString('base64');
  }

  async function cashInBody(customer: string, reference: string, override: Record<string, unknown> = {}) {
    return {
      partner: { idType: 'MSISDN', id: RETAILER, encryptedPinCode: await encrypt(PIN), walletType: 'PRINCIPAL' },
      customer: { idType: 'MSISDN', id: customer, walletType: 'PRINCIPAL' },
      amount: { value: 1500, unit: 'XOF' },
      reference,
      receiveNotification: false,
      ...override,
    };
  }

  async function cashIn(customer: string, reference: string, options: SendOptions = {}): Promise<Answer> {
    return send('POST', '/api/eWallet/v1/cashins', { body: await cashInBody(customer, reference), ...options });
  }

  return {
    simulator,
    send,
    token,
    renewToken,
    encrypt,
    cashInBody,
    cashIn,
    cashInOrLost: (customer, reference, options) => cashIn(customer, reference, options).catch(() => 'lost' as const),
    search: async (query) => (await send('GET', `/api/eWallet/v1/transactions?${query}`)).items,
    status: async (id) => (await send('GET', `/api/eWallet/v1/transactions/${id}/status`)).body.status,
  };
}

export async function requestToken(url: string, override: Record<string, string>): Promise<Answer> {
  const form = {
    client_id: 'sandbox-client',
    client_secret: 'sandbox-secret',
    grant_type: 'client_credentials',
    ...override,
  };
  return readAnswer(await fetch(`${url}/oauth/v1/token`, { method: 'POST', body: new URLSearchParams(form) }));
}

async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const body = parseOrNull(text);
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    text,
    body: body as AnswerBody,
    items: body as AnswerItem[],
  };
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function bodyText(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** Resolves once the condition holds; fails after half a minute. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('the condition never held');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
