import type { CashInRequest } from '../cash-in-request';
import type { Parts } from '../parts';
import { pickScenario } from '../pick-scenario';
import { scenarioNamed, type NamedScenario } from '../scenarios';
import type { TakenLine } from './bulk-events';
import { lineScenario } from './bulk-line';
import type { NamedBulkScenario } from './bulk-scenarios';

export interface PaidLine {
  readonly request: CashInRequest;
  /** Msisdn of the paying account. */
  readonly payer: string;
}

/** When and how each line will be processed, in their order; `first` is the submission of the first. */
export function planLines(
  parts: Parts,
  scenario: NamedBulkScenario,
  first: number,
  lines: readonly PaidLine[],
  now: number,
): TakenLine[] {
  const { requestsByRecipient, config } = parts.store.state();
  const { processingMs, itemMs } = config.bulk;
  const inTime = scenario.rows === 'stragglers' ? Math.ceil(lines.length / 2) : lines.length;
  const inBatch = new Map<string, number>();
  return lines.map(({ request: { encryptedPinCode: _, ...request }, payer }, index) => {
    const recipient = request.customer.id;
    const earlier = inBatch.get(recipient) ?? requestsByRecipient.get(recipient) ?? 0;
    inBatch.set(recipient, earlier + 1);
    const { scenario: own, revealed } = planOf(scenario, pickScenario(parts, recipient, earlier));
    const straggler = index >= inTime;
    const dueAt = now + processingMs + index * itemMs + (straggler ? config.timings.lateRowMs : 0);
    return { submission: first + index, payer, scenario: own.name, revealed, dueAt, straggler, request };
  });
}

/**
 * A batch that was processed although its answer said REJECTED hides no row: two things that the provider tells would agree
 * on what is not true, and nobody could know.
 */
function planOf(batch: NamedBulkScenario, picked: NamedScenario): ReturnType<typeof lineScenario> {
  const isHidden = batch.status === 'REJECTED' && picked.search === 'hidden';
  return lineScenario(isHidden ? scenarioNamed('default') : picked);
}

/** The pairs that every line has: a batch has no metadata of its own. */
export function sharedMetadata(lines: readonly PaidLine[]): Record<string, string> {
  const [head, ...others] = lines.map(({ request }) => request.metadata);
  return Object.fromEntries(
    Object.entries(head ?? {}).filter(([key, value]) => others.every((metadata) => metadata[key] === value)),
  );
}
