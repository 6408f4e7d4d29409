import { z } from 'zod';

const ledger = z.object({
  credits: z.array(
    z.object({
      transactionId: z.string(),
      reference: z.string().nullable(),
      customer: z.string(),
      amount: z.number(),
      scenario: z.string(),
    }),
  ),
  sumsToZero: z.boolean(),
});

const transactions = z.object({
  references: z.array(
    z.object({
      reference: z.string(),
      /** Cash-in requests that arrived with it. */
      requests: z.number(),
      scenarios: z.array(z.string()),
      /** HTTP status and code of each answer, `lost`, or null while none has left. */
      answers: z.array(z.string().nullable()),
      revealed: z.enum(['search', 'answer', 'never', 'contradictory']),
      credited: z.number(),
    }),
  ),
  undecidable: z.array(z.object({ reference: z.string() })),
});

const requests = z.object({
  endpointFaults: z.record(z.string(), z.number()),
  cashInsByScenario: z.record(z.string(), z.number()),
  bulksByScenario: z.record(z.string(), z.number()),
  pinsWrong: z.number(),
});

const callbacks = z.array(z.object({ fault: z.string().nullable() }));

/** Money that truly moved, by the provider's own books, and where its public API tells of it. */
export type ProviderTruth = z.infer<typeof ledger> & z.infer<typeof transactions>;

export interface ProviderControl {
  truth(): Promise<ProviderTruth>;
  requests(): Promise<z.infer<typeof requests>>;
  callbacks(): Promise<z.infer<typeof callbacks>>;
  /** Changes what the simulator does from now on; see docs/simulator.md. */
  post(path: 'config' | 'accounts' | 'keys/roll' | 'tokens/expire' | 'bulks/next', body?: unknown): Promise<void>;
}

/** Milliseconds that the simulator may take on a machine that has too much to do. */
const PATIENCE_MS = 60_000;

/** The simulator's control endpoints: what a judge may see and a connector never does. */
export function createProviderControl(simulatorUrl: string): ProviderControl {
  const get = async <T>(path: string, schema: z.ZodType<T>): Promise<T> => {
    const answer = await fetch(`${simulatorUrl}/_sim/${path}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!answer.ok) throw new Error(`the simulator answered ${answer.status} to ${path}`);
    return schema.parse(await answer.json());
  };
  return {
    truth: async () => ({ ...(await get('ledger', ledger)), ...(await get('transactions', transactions)) }),
    requests: () => get('requests', requests),
    callbacks: () => get('callbacks', callbacks),
    async post(path, body = {}) {
      const answer = await fetch(`${simulatorUrl}/_sim/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      if (!answer.ok) throw new Error(`the simulator answered ${answer.status} to ${path}: ${await answer.text()}`);
    },
  };
}
