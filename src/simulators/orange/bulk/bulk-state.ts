import type { NewRow } from '../events';
import type { Row, Submission } from '../state';
import type { BulkEvent, PlannedBulk, TakenBulk } from './bulk-events';
import type { BulkScenarioName } from './bulk-scenarios';

/** One bulk request as it arrived, whether or not it was taken. */
export interface BulkCall {
  readonly callbackUrl: string | null;
  readonly at: number;
  /** Its lines are the submissions from `first` on. */
  readonly first: number;
  readonly count: number;
  scenario: BulkScenarioName | null;
  bulkId: string | null;
  answer: string | null;
}

/** A batch that was taken, or refused with a bulkId. */
export interface Bulk extends TakenBulk {
  /** How many of its lines, in their order, are done. */
  processed: number;
  readonly rowsWritten: Row[];
  endedAt: number | null;
  callbackClosed: boolean;
}

export interface BulkState {
  readonly bulkCalls: BulkCall[];
  readonly bulks: Map<string, Bulk>;
  /** Batches headed by a recipient that came as far as a scenario. */
  readonly bulksByHead: Map<string, number>;
  plannedBulks: readonly PlannedBulk[];
}

export function createBulkState(): BulkState {
  return { bulkCalls: [], bulks: new Map(), bulksByHead: new Map(), plannedBulks: [] };
}

interface Around extends BulkState {
  readonly submissions: Submission[];
  readonly requestsByRecipient: Map<string, number>;
}

/** The bulk part of applying an event; `addRow` books a row as one of a unit cash-in. */
export function applyBulkEvent(state: Around, event: BulkEvent, addRow: (row: NewRow) => Row): void {
  switch (event.e) {
    case 'bulk_received': {
      const { call, callbackUrl, lines, at } = event;
      const first = state.submissions.length;
      state.bulkCalls[call] = {
        callbackUrl,
        at,
        first,
        count: lines.length,
        scenario: null,
        bulkId: null,
        answer: null,
      };
      for (const line of lines) {
        state.submissions.push({
          ...line,
          bulkCall: call,
          at,
          scenario: null,
          revealed: 'answer',
          answer: null,
          rows: [],
        });
      }
      return;
    }
    case 'bulk_scenario': {
      const call = callAt(state, event.call);
      call.scenario = event.scenario;
      const head = state.submissions[call.first]?.customer ?? '';
      state.bulksByHead.set(head, (state.bulksByHead.get(head) ?? 0) + 1);
      if (event.planned) state.plannedBulks = state.plannedBulks.slice(1);
      return;
    }
    case 'bulk_taken': {
      const { bulk } = event;
      callAt(state, bulk.call).bulkId = bulk.bulkId;
      state.bulks.set(bulk.bulkId, { ...bulk, processed: 0, rowsWritten: [], endedAt: null, callbackClosed: false });
      for (const { submission, scenario, revealed, request } of bulk.lines) {
        Object.assign(submissionAt(state, submission), { scenario, revealed });
        const recipient = request.customer.id;
        state.requestsByRecipient.set(recipient, (state.requestsByRecipient.get(recipient) ?? 0) + 1);
      }
      return;
    }
    case 'bulk_line': {
      const bulk = bulkAt(state, event.bulkId);
      bulk.processed += 1;
      for (const row of event.rows) bulk.rowsWritten.push(addRow(row));
      return;
    }
    case 'bulk_ended':
      bulkAt(state, event.bulkId).endedAt = event.at;
      return;
    case 'bulk_callback_closed':
      bulkAt(state, event.bulkId).callbackClosed = true;
      return;
    case 'bulk_answered': {
      const call = callAt(state, event.call);
      call.answer = event.answer;
      for (let line = call.first; line < call.first + call.count; line += 1) {
        submissionAt(state, line).answer = event.answer;
      }
      return;
    }
    case 'bulks_planned':
      state.plannedBulks = [...state.plannedBulks, ...event.bulks];
      return;
    default:
      event satisfies never;
  }
}

function callAt(state: BulkState, index: number): BulkCall {
  const call = state.bulkCalls[index];
  if (call === undefined) throw new Error(`the journal names bulk call ${index} before it was received`);
  return call;
}

function bulkAt(state: BulkState, bulkId: string): Bulk {
  const bulk = state.bulks.get(bulkId);
  if (bulk === undefined) throw new Error(`the journal names the batch ${bulkId}, which it never took`);
  return bulk;
}

function submissionAt(state: Around, index: number): Submission {
  const submission = state.submissions[index];
  if (submission === undefined) throw new Error(`the journal names submission ${index} before it was received`);
  return submission;
}
