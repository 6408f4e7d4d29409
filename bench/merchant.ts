import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';

export interface Answer {
  status: number;
  body: string;
}

/** A client of an HTTP service that keeps its connections. */
export interface KeptClient {
  post(path: string, body: object, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  close(): void;
}

export function createKeptClient(baseUrl: string, connections: number): KeptClient {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return {
    post: (path, body, headers = {}) =>
      new Promise((resolve, reject) => {
        const text = JSON.stringify(body);
        const sent = request(new URL(path, baseUrl), {
          method: 'POST',
          agent,
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers },
        });
        sent.on('error', reject);
        sent.on('response', (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
          );
        });
        sent.end(text);
      }),
    close: () => agent.destroy(),
  };
}

/** A payout as a merchant would send it. No two recipients of a run are equal, and none has a meaning of its own. */
export function payoutRequest(index: number): { amount: number; msisdn: string; body: object } {
  const msisdn = `+22178${String(1_000_000 + (index % 8_000_000)).padStart(7, '0')}`;
  const amount = 100;
  return {
    amount,
    msisdn,
    body: {
      amount,
      currency: 'XOF',
      description: 'Bench',
      method: 'orange_sn',
      recipient: { msisdn },
      customer: { email: 'awa@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
    },
  };
}

/** Sends payouts over kept connections. @returns the id of an accepted one. @throws Error with any other answer. */
export function createMerchant(options: { apiUrl: string; key: string; connections: number }): {
  send: (body: object) => Promise<string>;
  close(): void;
} {
  const client = createKeptClient(options.apiUrl, options.connections);
  return {
    async send(body) {
      const headers = { authorization: `Bearer ${options.key}`, 'idempotency-key': randomUUID() };
      const answer = await client.post('/v1/payouts', body, headers);
      if (answer.status !== 202) throw new Error(`a payout was answered ${answer.status}: ${answer.body}`);
      return (JSON.parse(answer.body) as { id: string }).id;
    },
    close: () => client.close(),
  };
}
