import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

import { payoutRequest } from '../merchant';
import type { PlainHttp } from './plain-http';

/** The Orange simulator's own sandbox client and retailer. */
const CLIENT = { client_id: 'sandbox-client', client_secret: 'sandbox-secret', grant_type: 'client_credentials' };
const RETAILER = '781234567';
const PIN = Buffer.from('2468');

/** A token is renewed when it has less than this left, in milliseconds. */
const LEAST_LIFE_MS = 60_000;

/** What the calls of one paying account need. */
export interface Account {
  get(path: string): Promise<string>;
  post(path: string, body: string, headers?: Readonly<Record<string, string>>): Promise<string>;
  /** The body of one cash-in; the PIN is encrypted for it, unless blocks are kept. */
  cashIn(index: number): object;
}

export async function openAccount(
  http: PlainHttp,
  { baseUrl, keepsBlock }: { baseUrl: string; keepsBlock: boolean },
): Promise<Account> {
  let token = '';
  let renewAt = 0;

  async function renew(): Promise<void> {
    const answer = await http({
      method: 'POST',
      url: `${baseUrl}/oauth/v1/token`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(CLIENT).toString(),
    });
    const fresh = JSON.parse(answer) as { access_token: string; expires_in: number };
    token = fresh.access_token;
    renewAt = Date.now() + fresh.expires_in * 1_000 - LEAST_LIFE_MS;
  }

  const headers = async (): Promise<Record<string, string>> => {
    if (Date.now() > renewAt) await renew();
    return { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  };
  const get = async (path: string): Promise<string> =>
    http({ method: 'GET', url: baseUrl + path, headers: await headers() });

  const { key } = JSON.parse(await get('/api/account/v1/publicKeys')) as { key: string };
  const publicKey = createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' });
  const kept = encryptPin(publicKey);
  return {
    get,
    post: async (path, body, more = {}) =>
      http({ method: 'POST', url: baseUrl + path, headers: { ...(await headers()), ...more }, body }),
    cashIn(index) {
      const { amount, msisdn } = payoutRequest(index);
      return {
        partner: {
          idType: 'MSISDN',
          id: RETAILER,
          encryptedPinCode: keepsBlock ? kept : encryptPin(publicKey),
          walletType: 'PRINCIPAL',
        },
        customer: { idType: 'MSISDN', id: msisdn.replace('+221', ''), walletType: 'PRINCIPAL' },
        amount: { value: amount, unit: 'XOF' },
        reference: referenceOf(index),
        receiveNotification: false,
        requestDate: new Date().toISOString(),
      };
    },
  };
}

export function referenceOf(index: number): string {
  return `floor-${index}`;
}

function encryptPin(publicKey: KeyObject): string {
  return publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, PIN).toString('base64');
}
