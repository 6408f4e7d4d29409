import type { OwnsCode } from './owned-retailer';
import type { Row, SimulatorState } from './state';
import type { TransactionQuery } from './transaction-query';
import { isFinal, type TransactionStatus } from './transaction-status';

export interface TransactionSearch {
  /** The page as JSON text, newest first: amounts are written as floats (`10.0`), which a plain stringify would not. */
  find(state: SimulatorState, owns: OwnsCode, query: TransactionQuery): string;
}

/** What the search shows of a row, which is not always what happened. */
interface View {
  readonly row: Row;
  readonly status: TransactionStatus;
  readonly amount: number;
  readonly customerId: string;
}

/** What a flapping row looks like in the first searches that meet it, each on the page where it falls; afterwards the truth. */
const FLAPPING: readonly (TransactionStatus | null)[] = [null, 'PENDING', null, 'PENDING'];

export function createTransactionSearch(): TransactionSearch {
  const meetings = new WeakMap<Row, number>();
  const shiftedIn = new WeakSet<Row>();

  function viewOf(state: SimulatorState, row: Row, isOnPage: boolean): View | null {
    const honest: View = { row, status: row.status, amount: row.amount, customerId: row.customer.id };
    const forced = row.reference === null ? undefined : state.shown.get(row.reference);
    if (forced === false || (forced === undefined && state.config.hideAllRows)) return null;
    if (forced === true) return honest;
    switch (row.search) {
      case null:
      case 'doubled':
        return honest;
      case 'late':
        return Date.now() < row.visibleAt ? null : honest;
      case 'shifting':
        return Date.now() < row.visibleAt && !shiftedIn.has(row) ? null : honest;
      case 'hidden':
        return null;
      case 'flapping': {
        const met = meetings.get(row) ?? 0;
        if (isOnPage) meetings.set(row, met + 1);
        const status = FLAPPING[met];
        if (status === undefined) return honest;
        return status === null ? null : { ...honest, status };
      }
      case 'wrong_amount':
        return { ...honest, amount: row.amount + 1 };
      case 'wrong_recipient':
        return { ...honest, customerId: row.customer.id.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10)) };
      default:
        return row.search satisfies never;
    }
  }

  /** Whoever reads on finds one row more than when the first page was read, so that all others moved down by one. */
  function shiftOneIn(rows: readonly Row[]): void {
    const next = rows.find((row) => row.search === 'shifting' && !shiftedIn.has(row));
    if (next !== undefined) shiftedIn.add(next);
  }

  return {
    find: (state, owns, query) => {
      if (query.type !== null && (state.config.typeFilterBroken || query.type !== 'CASHIN')) return '[]';
      if (query.page > 0) shiftOneIn(candidates(state, query));
      const views: View[] = [];
      const end = (query.page + 1) * query.size;
      for (const row of newestFirst(candidates(state, query))) {
        if (query.from !== null && row.createdAt < query.from) break;
        if (!matches(row, query) || !owns(state.accounts.get(row.payer)?.code ?? null)) continue;
        const view = viewOf(state, row, views.length >= end - query.size);
        if (view === null || (query.status !== null && view.status !== query.status)) continue;
        views.push(view);
        if (row.search === 'doubled') views.push(view);
        if (views.length >= end) break;
      }
      return withFloats(
        JSON.stringify(views.slice(end - query.size, end).map((view) => rowBody(view, state.config.callbacks.enabled))),
      );
    },
  };
}

function candidates(state: SimulatorState, query: TransactionQuery): readonly Row[] {
  if (query.reference !== null) return state.rowsByReference.get(query.reference) ?? [];
  if (query.bulkId !== null) return state.bulks.get(query.bulkId)?.rowsWritten ?? [];
  if (query.transactionId === null) return state.rows;
  const row = state.rowById.get(query.transactionId);
  return row === undefined ? [] : [row];
}

function* newestFirst(rows: readonly Row[]): Generator<Row> {
  for (let index = rows.length - 1; index >= 0; index -= 1) {
    const row = rows[index];
    if (row !== undefined) yield row;
  }
}

function matches(row: Row, query: TransactionQuery): boolean {
  return (
    (query.transactionId === null || row.transactionId === query.transactionId) &&
    (query.bulkId === null || row.bulkId === query.bulkId) &&
    (query.to === null || row.createdAt <= query.to)
  );
}

/** The live rows carry no PIN and no names, though the schema calls them required. */
function rowBody({ row, status, amount, customerId }: View, callbacksEnabled: boolean): object {
  return {
    transactionId: row.transactionId,
    type: 'CASHIN',
    status,
    ...(row.reason === null ? {} : { statusReason: row.reason }),
    amount: { value: amount, unit: 'XOF' },
    ...(row.reference === null ? {} : { reference: row.reference }),
    ...(row.bulkId === null ? {} : { bulkId: row.bulkId }),
    partner: row.partner,
    customer: { ...row.customer, id: customerId },
    channel: 'API',
    receiveNotification: row.receiveNotification,
    metadata: {
      ...row.metadata,
      ...(callbacksEnabled && row.bulkId === null && isFinal(status)
        ? { 'notification.dispatched': String(row.callbackClosed) }
        : {}),
    },
    requestDate: row.requestDate ?? new Date(row.createdAt).toISOString(),
    createdAt: new Date(row.createdAt).toISOString(),
    updatedAt: new Date(row.updatedAt).toISOString(),
  };
}

/** Inside a JSON string the quotes are escaped, so this meets amounts only. */
function withFloats(json: string): string {
  return json.replace(/"value":(\d+),"unit"/g, '"value":$1.0,"unit"');
}
