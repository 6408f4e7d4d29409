export const ENVIRONMENTS = ['sandbox', 'live'] as const;

export type Environment = (typeof ENVIRONMENTS)[number];

/** What everything belongs to: one merchant in one environment. Every query that a request causes is bound to it. */
export interface Tenant {
  merchantId: string;
  environment: Environment;
}
