import { BEFORE_PIN, problemOf } from '../cash-in';
import type { NewRow } from '../events';
import { checkMoney } from '../money-check';
import { newRow } from '../new-row';
import { detailOf, Problem } from '../problem';
import {
  FAULT_NAMES,
  scenarioNamed,
  type NamedScenario,
  type ProblemAnswer,
  type Revealed,
  type RowPlan,
  type ScenarioName,
} from '../scenarios';
import { accountOf, type SimulatorState } from '../state';
import type { TakenLine } from './bulk-events';
import type { Bulk } from './bulk-state';

/**
 * What a scenario of a unit cash-in means for a line, which has no answer of its own: what its rows tell stays, a refusal
 * with a 4xx becomes a FAILED row with its code, and whatever only spoils an answer is the default path.
 */
export function lineScenario(picked: NamedScenario): { scenario: NamedScenario; revealed: Revealed } {
  if (refusalOf(picked) !== undefined) return { scenario: picked, revealed: 'search' };
  const isToldByRows = picked.rows.length > 0 && (picked.answer === 'row' || picked.revealed !== 'search');
  if (isToldByRows || picked.search !== undefined || picked.rows.length > 1) {
    return { scenario: picked, revealed: picked.revealed };
  }
  return { scenario: scenarioNamed('default'), revealed: 'search' };
}

/** Faults that befall a line of a bulk as they do a unit cash-in. */
export const LINE_FAULT_NAMES: readonly ScenarioName[] = FAULT_NAMES.filter(
  (name) => lineScenario(scenarioNamed(name)).scenario.name === name,
);

function refusalOf({ answer, rows }: NamedScenario): ProblemAnswer | undefined {
  if (typeof answer === 'string' || rows.length > 0 || answer.http >= 500 || BEFORE_PIN.has(answer.code))
    return undefined;
  return answer;
}

/** The rows that processing the line writes, at least one, by its scenario and by what wallets and float allow. */
export function rowsOfLine(state: SimulatorState, bulk: Bulk, line: TakenLine): NewRow[] {
  const scenario = scenarioNamed(line.scenario);
  const source = { ...line, bulkId: bulk.bulkId, scenario };
  return plansOf(state, line, scenario).map((plan, index) =>
    withQuirk(state, bulk, newRow(state, source, plan, index)),
  );
}

function plansOf(state: SimulatorState, { payer, request }: TakenLine, scenario: NamedScenario): readonly RowPlan[] {
  const refusal = refusalOf(scenario);
  if (refusal !== undefined) return [refusedPlan(problemOf(refusal))];
  try {
    checkMoney(state, accountOf(state, payer), request, scenario.rows);
    return scenario.rows;
  } catch (error) {
    if (error instanceof Problem) return [refusedPlan(error)];
    throw error;
  }
}

/** The code stands before the text, as a row has no field for it. */
function refusedPlan(problem: Problem): RowPlan {
  const reason = [problem.code, detailOf(problem)].filter((part) => part !== null).join(': ');
  return { first: 'FAILED', reason };
}

/** The batch's own quirk, unless the line's scenario has one already. */
function withQuirk({ config }: SimulatorState, bulk: Bulk, row: NewRow): NewRow {
  const visibleAt = row.createdAt + config.timings.lateRowMs;
  const position = bulk.processed;
  if (row.search !== null) return row;
  switch (bulk.rows) {
    case 'late':
      return position % 2 === 1 ? { ...row, search: 'late', visibleAt } : row;
    case 'shifting':
      return position >= Math.floor((bulk.lines.length * 3) / 4) ? { ...row, search: 'shifting', visibleAt } : row;
    case 'doubled':
      return { ...row, search: 'doubled' };
    case 'stragglers':
    case null:
      return row;
    default:
      return bulk.rows satisfies never;
  }
}
