import type { Parts } from '../parts';
import { pickByRate, seededDraw } from '../seeded-draw';
import type { BulkCallbackFault } from './bulk-callback-faults';
import { bulkScenarioNamed, bulkScenarioOfRecipient, type NamedBulkScenario } from './bulk-scenarios';

export interface PickedBulkScenario {
  readonly scenario: NamedBulkScenario;
  readonly callbackFault: BulkCallbackFault | null;
  /** It was planned by a test and is used up by this batch. */
  readonly planned: boolean;
}

/**
 * What a batch gets: what a test has planned for the next one; else by the magic number of its first recipient; else by rate.
 * Rates depend on the seed, that recipient and how many batches it headed before, not on the order of requests.
 */
export function pickBulkScenario({ store, options }: Parts, head: string): PickedBulkScenario {
  const { bulksByHead, plannedBulks, config } = store.state();
  const earlier = bulksByHead.get(head) ?? 0;
  const draw = (kind: string): number => seededDraw(options.seed, kind, head, earlier);
  const [plan] = plannedBulks;
  const magic = bulkScenarioOfRecipient(head);
  const drawn = magic === undefined ? pickByRate(config.bulk.faults, draw('bulk')) : undefined;
  const own = magic === undefined || (magic.once === true && earlier > 0) ? undefined : magic.name;
  const scenario = bulkScenarioNamed(plan?.scenario ?? own ?? drawn ?? 'bulk_default');
  const drawnFault = pickByRate(config.bulk.callbackFaults, draw('bulk-callback'));
  const callbackFault = plan?.callbackFault ?? scenario.callback ?? drawnFault ?? null;
  return { scenario, callbackFault, planned: plan !== undefined };
}
