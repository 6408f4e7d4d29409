import { createReceiver } from '../src/start/receiver';

/** The merchant's endpoint of all contenders: verifies each webhook, and tells when the one of a payout came. */
export interface Inbox {
  url: string;
  verifyBy(secret: string): void;
  /** Settles when the verified `payout.succeeded` of the payout is here. @throws Error after `patienceMs`. */
  succeeded(payoutId: string, patienceMs: number): Promise<void>;
  close(): Promise<void>;
}

export async function createInbox(): Promise<Inbox> {
  let secret: string | undefined;
  const early = new Set<string>();
  const waiting = new Map<string, () => void>();
  const receiver = await createReceiver({
    port: 0,
    secret: () => secret,
    report: ({ verified, body }) => {
      if (!verified) return;
      const { type, data } = body as { type: string; data: { id: string } };
      if (type !== 'payout.succeeded') return;
      const told = waiting.get(data.id);
      if (told) told();
      else early.add(data.id);
    },
  });
  return {
    url: `${receiver.url}/webhooks`,
    verifyBy: (value) => void (secret = value),
    succeeded: (payoutId, patienceMs) =>
      new Promise((resolve, reject) => {
        if (early.delete(payoutId)) {
          resolve();
          return;
        }
        const end = (error?: Error): void => {
          clearTimeout(timer);
          waiting.delete(payoutId);
          if (error) reject(error);
          else resolve();
        };
        const timer = setTimeout(
          () => end(new Error(`no payout.succeeded of ${payoutId} within ${patienceMs / 1_000} s`)),
          patienceMs,
        );
        waiting.set(payoutId, end);
      }),
    close: () => receiver.close(),
  };
}
