export interface RateLimit {
  /** Counts the request unless the limit per client in any 60 s (null: none) is reached; then false. */
  admit(client: string, limitPerMinute: number | null): boolean;
  /** Requests that were not admitted. */
  refused(): number;
  reset(): void;
}

const WINDOW_MS = 60_000;

export function createRateLimit(): RateLimit {
  const admitted = new Map<string, number[]>();
  let refused = 0;
  return {
    admit: (client, limit) => {
      if (limit === null) return true;
      const now = Date.now();
      const recent = (admitted.get(client) ?? []).filter((at) => at > now - WINDOW_MS);
      const allowed = recent.length < limit;
      if (allowed) recent.push(now);
      else refused += 1;
      admitted.set(client, recent);
      return allowed;
    },
    refused: () => refused,
    reset: () => {
      admitted.clear();
      refused = 0;
    },
  };
}
