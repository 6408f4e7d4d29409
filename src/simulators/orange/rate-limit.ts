export interface RateLimit {
  /** Counts the request unless the limit per client in any 60 s (null: none) is reached; then false. */
  admit(client: string, limitPerMinute: number | null): boolean;
  reset(): void;
}

const WINDOW_MS = 60_000;

export function createRateLimit(): RateLimit {
  const admitted = new Map<string, number[]>();
  return {
    admit: (client, limit) => {
      if (limit === null) return true;
      const now = Date.now();
      const recent = (admitted.get(client) ?? []).filter((at) => at > now - WINDOW_MS);
      const allowed = recent.length < limit;
      if (allowed) recent.push(now);
      admitted.set(client, recent);
      return allowed;
    },
    reset: () => admitted.clear(),
  };
}
