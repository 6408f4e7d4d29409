import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { z } from 'zod';

import type { Stack } from '../start/stack';

export const MERCHANT = 'mer_demo';
export const ACCOUNT = '781234567';

/** The people who run Cauri, with nothing but their commands and the operator's routes. */
export interface Operations {
  /** Saves a PIN after one call has shown that it is right. */
  saveCredential(secrets: { client_id: string; client_secret: string; pin: string }): Promise<void>;
  registerCallback(httpsHost: string, signingSecret: string): Promise<void>;
  /** Adds whole XOF to the merchant's float. */
  topUp(amount: number): Promise<void>;
  /** Puts the merchant's endpoint at an address of its own in place of the seeded one. Returns its secret. */
  replaceEndpoint(url: string): Promise<string>;
  /** Everything that the commands printed, for the scan of secrets. */
  printed: readonly string[];
}

const WHERE = ['--merchant', MERCHANT, '--environment', 'sandbox', '--operator', 'orange_sn'];

export function createOperations(stack: Stack, programDirectory: string): Operations {
  const printed: string[] = [];
  const [operatorKey] = stack.keys.operatorKeys;

  async function ops(args: readonly string[], input: string): Promise<void> {
    const child = spawn(process.execPath, [join(programDirectory, 'main-ops.js'), ...args], {
      env: { ...stack.environment, CAURI_OPERATOR_KEY: operatorKey },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let text = '';
    const collect = (chunk: Buffer): void => void (text += chunk.toString());
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.stdin.end(input);
    const [code] = (await once(child, 'close')) as [number | null];
    printed.push(text);
    if (code !== 0) throw new Error(`ops ${args.slice(0, 2).join(' ')} ended with ${code}: ${text}`);
  }

  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${stack.apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${operatorKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}`);
    return answer.status === 204 ? null : await answer.json();
  }

  return {
    printed,
    saveCredential: (secrets) =>
      ops(
        ['credential', 'set', ...WHERE, '--provider', 'orange', '--account', ACCOUNT, '--override', 'prove'],
        JSON.stringify(secrets),
      ),
    registerCallback: (httpsHost, signingSecret) =>
      ops(
        ['provider', 'register-callback', ...WHERE, '--code', '123456', '--url', `https://${httpsHost}`],
        signingSecret,
      ),
    topUp: (amount) =>
      ops(
        ['top-up', '--merchant', MERCHANT, '--environment', 'sandbox', '--currency', 'XOF', '--amount', String(amount)],
        '',
      ),
    async replaceEndpoint(url) {
      const endpoints = z.object({ data: z.array(z.looseObject({ id: z.string(), events: z.array(z.string()) })) });
      const { data } = endpoints.parse(await call('GET', `/v1/webhook-endpoints?merchant_id=${MERCHANT}`));
      const events = data[0]?.events ?? [];
      const made = await call('POST', '/v1/webhook-endpoints', {
        ...{ merchant_id: MERCHANT, environment: 'sandbox', url, events },
      });
      for (const { id } of data) await call('DELETE', `/v1/webhook-endpoints/${id}`);
      return z.looseObject({ secret: z.string() }).parse(made).secret;
    },
  };
}
