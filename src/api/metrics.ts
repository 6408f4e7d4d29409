import { Counter, Histogram, Registry } from 'prom-client';

export interface ApiMetrics {
  registry: Registry;
  payoutsAccepted: Counter<'method' | 'environment'>;
  payoutsCancelled: Counter<'method' | 'environment'>;
  /** Seconds from the request's headers to the end of its answer; `route` is the pattern, never the address. */
  requestSeconds: Histogram<'method' | 'route' | 'status'>;
}

/** The API's own numbers, in a registry of their own. */
export function createApiMetrics(): ApiMetrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    payoutsAccepted: new Counter({
      name: 'cauri_payouts_accepted_total',
      help: 'Payouts that were answered with 202 for the first time.',
      labelNames: ['method', 'environment'],
      registers,
    }),
    payoutsCancelled: new Counter({
      name: 'cauri_payouts_cancelled_total',
      help: 'Payouts that the API cancelled.',
      labelNames: ['method', 'environment'],
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'cauri_http_request_seconds',
      help: 'Duration of API requests in seconds.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
  };
}
