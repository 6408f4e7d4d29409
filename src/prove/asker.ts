import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

export interface AskOptions {
  body?: unknown;
  idempotencyKey?: string;
  /** Of somebody else than the merchant's system. */
  key?: string;
}

/** A system that insists: plain HTTP, repeated under the same idempotency key until there is an answer. */
export interface Asker {
  /** Asks again while nobody answers or the answer is a 5xx or 429. Throws where that does not end. */
  readonly ask: (method: string, path: string, options?: AskOptions) => Promise<{ status: number; body: unknown }>;
  /** Answers that refused or failed, for the scan of secrets. */
  refusals: readonly string[];
  /** All other answers. */
  answers: readonly string[];
}

const PATIENCE_MS = 120_000;
const ANSWER_MS = 30_000;

export function createAsker({ apiUrl, key }: { apiUrl: string; key: string }): Asker {
  const refusals: string[] = [];
  const answers: string[] = [];
  return {
    refusals,
    answers,
    async ask(method, path, { body, idempotencyKey = randomUUID(), key: otherKey } = {}) {
      const giveUpAt = Date.now() + PATIENCE_MS;
      for (;;) {
        try {
          const answer = await fetch(`${apiUrl}${path}`, {
            method,
            headers: {
              authorization: `Bearer ${otherKey ?? key}`,
              'content-type': 'application/json',
              'idempotency-key': idempotencyKey,
            },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
            signal: AbortSignal.timeout(ANSWER_MS),
          });
          const text = await answer.text();
          (answer.ok ? answers : refusals).push(text);
          if (answer.status < 500 && answer.status !== 429) return { status: answer.status, body: parseJson(text) };
        } catch (error) {
          if (Date.now() > giveUpAt) throw error;
        }
        if (Date.now() > giveUpAt) throw new Error(`${method} ${path} was not answered for ${PATIENCE_MS / 1_000} s`);
        await sleep(300);
      }
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
