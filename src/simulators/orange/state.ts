import { applyBulkEvent, createBulkState, type BulkState } from './bulk/bulk-state';
import type { AccountType, NewRow, SimulatorEvent } from './events';
import { mergeRuntime, type RuntimeConfig } from './options';
import type { Revealed, ScenarioName } from './scenarios';
import type { TransactionStatus } from './transaction-status';

export interface Account {
  readonly msisdn: string;
  code: string | null;
  type: AccountType;
  pin: string;
  /** Whole XOF. */
  balance: number;
  wrongTries: number;
  /** Highest balance that the wallet may reach; null: none. */
  ceiling: number | null;
  suspended: boolean;
  /** Every call with the right PIN is answered 2010 until the PIN is changed. */
  mustChangePin: boolean;
  /** The PIN was changed by its holder since the account was made. */
  pinChanged: boolean;
}

export interface Row extends Omit<NewRow, 'status' | 'moved'> {
  status: TransactionStatus;
  moved: boolean;
  updatedAt: number;
  callbackClosed: boolean;
}

/** One cash-in request, or one line of a bulk, as it arrived, whether or not it was taken. */
export interface Submission {
  /** Index of the bulk call whose line it is; null: a unit cash-in. */
  readonly bulkCall: number | null;
  readonly reference: string | null;
  readonly customer: string | null;
  readonly amount: number | null;
  readonly at: number;
  scenario: ScenarioName | null;
  revealed: Revealed;
  answer: string | null;
  readonly rows: Row[];
}

/** One movement of money to a customer that truly happened. */
export interface Credit {
  readonly transactionId: string;
  readonly reference: string | null;
  readonly partner: string;
  readonly customer: string;
  readonly amount: number;
  readonly at: number;
  readonly scenario: ScenarioName;
}

export interface Registration {
  readonly code: string;
  readonly callbackUrl: string;
  readonly name: string | null;
  readonly apiKey: string | null;
  readonly at: number;
}

export interface SimulatorState extends BulkState {
  config: RuntimeConfig;
  tokenSecret: string | null;
  key: { readonly keyId: string; readonly privatePem: string } | null;
  readonly accounts: Map<string, Account>;
  /** In order of creation. */
  readonly rows: Row[];
  readonly rowById: Map<string, Row>;
  readonly rowsByReference: Map<string, Row[]>;
  readonly submissions: Submission[];
  /** Cash-ins that came as far as a scenario. */
  readonly requestsByRecipient: Map<string, number>;
  readonly credits: Credit[];
  /** What was ever issued as float; the opposite side of all balances. */
  issued: number;
  /** Reserved by transactions that are not settled yet. */
  inFlight: number;
  readonly shown: Map<string, boolean>;
  readonly registrations: Map<string, Registration>;
}

export const DEFAULT_CUSTOMER_PIN = '1234';

export function createState(config: RuntimeConfig): SimulatorState {
  return {
    config,
    tokenSecret: null,
    key: null,
    accounts: new Map(),
    rows: [],
    rowById: new Map(),
    rowsByReference: new Map(),
    submissions: [],
    requestsByRecipient: new Map(),
    credits: [],
    issued: 0,
    inFlight: 0,
    shown: new Map(),
    registrations: new Map(),
    ...createBulkState(),
  };
}

/** The account of an msisdn; customers come into being when first named, as every valid number can be paid. */
export function accountOf(state: SimulatorState, msisdn: string): Account {
  let account = state.accounts.get(msisdn);
  if (account === undefined) {
    account = {
      msisdn,
      code: null,
      type: 'customer',
      pin: DEFAULT_CUSTOMER_PIN,
      balance: 0,
      wrongTries: 0,
      ceiling: null,
      suspended: false,
      mustChangePin: false,
      pinChanged: false,
    };
    state.accounts.set(msisdn, account);
  }
  return account;
}

/** The only function that changes the state, so that replaying the journal rebuilds it. */
export function applyEvent(state: SimulatorState, event: SimulatorEvent): void {
  switch (event.e) {
    case 'token_secret':
      state.tokenSecret = event.secret;
      return;
    case 'key':
      state.key = { keyId: event.keyId, privatePem: event.privatePem };
      return;
    case 'account': {
      const { e: _, msisdn, ...change } = event;
      const account = accountOf(state, msisdn);
      Object.assign(account, change);
      return;
    }
    case 'float_issued':
      state.issued += event.amount;
      accountOf(state, event.msisdn).balance += event.amount;
      return;
    case 'pin_tries':
      accountOf(state, event.msisdn).wrongTries = event.wrong;
      return;
    case 'received': {
      const { e: _, submission, ...rest } = event;
      state.submissions[submission] = {
        ...rest,
        bulkCall: null,
        scenario: null,
        revealed: 'answer',
        answer: null,
        rows: [],
      };
      return;
    }
    case 'scenario': {
      const submission = submissionAt(state, event.submission);
      submission.scenario = event.scenario;
      submission.revealed = event.revealed;
      const recipient = submission.customer ?? '';
      state.requestsByRecipient.set(recipient, (state.requestsByRecipient.get(recipient) ?? 0) + 1);
      return;
    }
    case 'answered':
      submissionAt(state, event.submission).answer = event.answer;
      return;
    case 'row':
      addRow(state, event.row);
      return;
    case 'settled':
      settle(state, event.transactionId, event.status, event.at);
      return;
    case 'shown':
      state.shown.set(event.reference, event.shown);
      return;
    case 'callback_registered': {
      const { e: _, ...registration } = event;
      state.registrations.set(event.code, registration);
      return;
    }
    case 'callback_closed': {
      const row = state.rowById.get(event.transactionId);
      if (row !== undefined) row.callbackClosed = true;
      return;
    }
    case 'configured':
      state.config = mergeRuntime(state.config, event.patch);
      return;
    default:
      applyBulkEvent(state, event, (row) => addRow(state, row));
  }
}

function submissionAt(state: SimulatorState, index: number): Submission {
  const submission = state.submissions[index];
  if (submission === undefined) throw new Error(`the journal names submission ${index} before it was received`);
  return submission;
}

function addRow(state: SimulatorState, created: NewRow): Row {
  const row: Row = { ...created, updatedAt: created.createdAt, callbackClosed: false };
  state.rows.push(row);
  state.rowById.set(row.transactionId, row);
  submissionAt(state, row.submission).rows.push(row);
  if (row.reference !== null) {
    const siblings = state.rowsByReference.get(row.reference);
    if (siblings === undefined) state.rowsByReference.set(row.reference, [row]);
    else siblings.push(row);
  }
  const refusedAtOnce = !row.moved && ['FAILED', 'REJECTED', 'CANCELLED'].includes(row.status);
  if (refusedAtOnce) return row;
  accountOf(state, row.payer).balance -= row.amount;
  if (row.moved) credit(state, row, row.createdAt);
  else state.inFlight += row.amount;
  return row;
}

function settle(state: SimulatorState, transactionId: string, status: 'SUCCESS' | 'FAILED', at: number): void {
  const row = state.rowById.get(transactionId);
  if (row === undefined) throw new Error(`the journal settles ${transactionId}, which it never created`);
  row.status = status;
  row.updatedAt = at;
  state.inFlight -= row.amount;
  if (status === 'FAILED') accountOf(state, row.payer).balance += row.amount;
  else {
    row.moved = true;
    credit(state, row, at);
  }
}

function credit(state: SimulatorState, row: Row, at: number): void {
  accountOf(state, row.customer.id).balance += row.amount;
  const { transactionId, reference, payer, customer, amount, scenario } = row;
  state.credits.push({ transactionId, reference, partner: payer, customer: customer.id, amount, at, scenario });
}
