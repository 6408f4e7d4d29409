import type { SimulatorState } from '../state';
import type { BulkCallbackFault } from './bulk-callback-faults';
import type { BulkStatus } from './bulk-scenario';
import type { BulkScenarioName } from './bulk-scenarios';

/** One bulk call as it arrived, and what became of it. */
export interface BulkReport {
  /** null: nothing was taken and no id was given, whatever the answer said. */
  readonly bulkId: string | null;
  /** null: refused before any scenario. */
  readonly scenario: BulkScenarioName | null;
  readonly callbackUrl: string | null;
  readonly callbackFault: BulkCallbackFault | null;
  /** As in the references' report, with the status of a 200: `200 PENDING`. null: none has left. */
  readonly answer: string | null;
  /** Status in the answer that left or would have left. */
  readonly status: BulkStatus | null;
  readonly references: readonly (string | null)[];
  /** Lines that were taken, and how many of them are processed. */
  readonly taken: number;
  readonly processed: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly endedAt: number | null;
}

export function reportBulks({ bulkCalls, bulks, submissions }: SimulatorState): BulkReport[] {
  return bulkCalls.map(({ bulkId, scenario, callbackUrl, answer, first, count, at }) => {
    const bulk = bulkId === null ? undefined : bulks.get(bulkId);
    return {
      bulkId,
      scenario,
      callbackUrl,
      callbackFault: bulk?.callback?.fault ?? null,
      answer,
      status: bulk?.status ?? null,
      references: submissions.slice(first, first + count).map(({ reference }) => reference),
      taken: bulk?.lines.length ?? 0,
      processed: bulk?.processed ?? 0,
      at,
      endedAt: bulk?.endedAt ?? null,
    };
  });
}
