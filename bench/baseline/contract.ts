/** What the bench and the baselines' worker agree on. */
export const BARE_WORKFLOW = 'barePayoutWorkflow';
export const NAIVE_WORKFLOW = 'naivePayoutWorkflow';

/** Task queues are made of it as the product's are of its own. */
export const BASELINE_PREFIX = 'baseline';

export interface BaselineOrder {
  id: string;
  /** Minor units. */
  amount: number;
  msisdn: string;
}
