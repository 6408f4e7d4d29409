import type { TransactionStatus } from './transaction-status';

/** One transaction row that the provider writes: its first status and, after the settlement delay, its last one. */
export interface RowPlan {
  readonly first: TransactionStatus;
  /** Absent: the first status never changes. */
  readonly last?: 'SUCCESS' | 'FAILED';
  /** Money moves at once although the row does not say so. */
  readonly movesUnseen?: true;
  readonly reason?: string;
}

export interface ProblemAnswer {
  readonly http: number;
  /** Orange's own code, absent where the body carries none. */
  readonly code?: string;
  readonly detail?: string;
}

/** How the answer to the cash-in call is spoilt; `row` is the honest one. */
export const ANSWER_KINDS = [
  'row',
  'lost',
  'reset',
  'slow_headers',
  'slow_body',
  'malformed_json',
  'cut_body',
  'empty_body',
  'html_502',
  'unknown_status',
  'other_reference',
  'no_reference',
  'no_transaction_id',
  'redirect_302',
  'redirect_307',
] as const;
export type AnswerKind = (typeof ANSWER_KINDS)[number];

/** How the public search misrepresents the row; `shifting` and `doubled` befall lines of a bulk only. */
export type SearchQuirk = 'late' | 'hidden' | 'flapping' | 'wrong_amount' | 'wrong_recipient' | 'shifting' | 'doubled';

/**
 * Where the public API tells whether money moved: in a `search` row; in the `answer` alone (no row is ever written);
 * `never`; or in rows that contradict the request or each other (`contradictory`, a matter for people).
 */
export type Revealed = 'search' | 'answer' | 'never' | 'contradictory';

export interface Scenario {
  /** The SS of a magic recipient `7700SSnnn`; null: not reachable by number. */
  readonly code: string | null;
  readonly name: string;
  readonly description: string;
  readonly rows: readonly RowPlan[];
  readonly answer: AnswerKind | ProblemAnswer;
  readonly revealed: Revealed;
  readonly search?: SearchQuirk;
  /** Applies to a magic recipient's first cash-in request only, whatever its reference; later ones take the default path. */
  readonly once?: true;
  /** The rows are written only after the slow answer's wait, when clients have long given up. */
  readonly takesLate?: true;
  /** Strikes while the paying account has the PIN that it was made with. */
  readonly untilPinChanged?: true;
  /** The key pair is really rolled before the answer. */
  readonly rollsKey?: true;
  /** With a settlement delay of 0 the row is SUCCESS at once. */
  readonly atOnceWithoutDelay?: true;
}

const PAID: readonly RowPlan[] = [{ first: 'SUCCESS' }];
const PAID_LATER: readonly RowPlan[] = [{ first: 'PENDING', last: 'SUCCESS' }];
const REFUSED_LATER: readonly RowPlan[] = [{ first: 'PENDING', last: 'FAILED', reason: 'Transaction failed' }];

function refusal<N extends string>(code: string, name: N, http: number, orangeCode: string, description: string) {
  return {
    code,
    name,
    description: `HTTP ${http} code ${orangeCode}: ${description}; nothing moved, no row`,
    rows: [],
    answer: { http, code: orangeCode },
    revealed: http >= 500 ? 'never' : 'answer',
  } as const satisfies Scenario;
}

/** The only place where scenarios are defined; docs/simulator.md is tested to be equal to it. */
export const SCENARIOS = [
  {
    code: null,
    name: 'default',
    description: 'SUCCESS at once when the settlement delay is 0, else PENDING and SUCCESS after it',
    rows: PAID_LATER,
    answer: 'row',
    revealed: 'search',
    atOnceWithoutDelay: true,
  },
  {
    code: null,
    name: 'followed_redirect',
    description:
      'What the ledger shows when a client followed a redirect of the money call: money moved by the follower',
    rows: PAID,
    answer: 'row',
    revealed: 'search',
  },
  {
    code: '01',
    name: 'success',
    description: '200 SUCCESS at once, whatever the delay',
    rows: PAID,
    answer: 'row',
    revealed: 'search',
  },
  {
    code: '02',
    name: 'pending_success',
    description: '200 PENDING, then SUCCESS',
    rows: PAID_LATER,
    answer: 'row',
    revealed: 'search',
  },
  {
    code: '03',
    name: 'accepted_success',
    description: '200 ACCEPTED, then SUCCESS',
    rows: [{ first: 'ACCEPTED', last: 'SUCCESS' }],
    answer: 'row',
    revealed: 'search',
  },
  {
    code: '04',
    name: 'initiated_success',
    description: '200 INITIATED, then SUCCESS',
    rows: [{ first: 'INITIATED', last: 'SUCCESS' }],
    answer: 'row',
    revealed: 'search',
  },
  {
    code: '05',
    name: 'pre_initiated_success',
    description: '200 PRE_INITIATED, then SUCCESS',
    rows: [{ first: 'PRE_INITIATED', last: 'SUCCESS' }],
    answer: 'row',
    revealed: 'search',
  },
  {
    code: '06',
    name: 'failed',
    description: '200 with status FAILED at once',
    rows: [{ first: 'FAILED', reason: 'Transaction failed' }],
    answer: 'row',
    revealed: 'search',
  },
  {
    code: '07',
    name: 'rejected',
    description: '200 with status REJECTED at once',
    rows: [{ first: 'REJECTED', reason: 'Transaction rejected' }],
    answer: 'row',
    revealed: 'search',
  },
  {
    code: '08',
    name: 'cancelled',
    description: '200 with status CANCELLED at once',
    rows: [{ first: 'CANCELLED', reason: 'Transaction cancelled' }],
    answer: 'row',
    revealed: 'search',
  },
  {
    code: '09',
    name: 'failed_ceiling_text',
    description: '200 FAILED whose description alone says that a ceiling per month is reached',
    rows: [{ first: 'FAILED', reason: 'Le plafond de transactions par mois est atteint' }],
    answer: 'row',
    revealed: 'search',
  },
  {
    code: '10',
    name: 'pending_failed',
    description: '200 PENDING, then FAILED (refused later)',
    rows: REFUSED_LATER,
    answer: 'row',
    revealed: 'search',
  },
  {
    code: '11',
    name: 'never_final',
    description: '200 PENDING for ever; the amount stays reserved, nothing moved',
    rows: [{ first: 'PENDING' }],
    answer: 'row',
    revealed: 'never',
  },
  {
    code: '12',
    name: 'never_final_moved',
    description: '200 PENDING for ever although money moved at once',
    rows: [{ first: 'PENDING', movesUnseen: true }],
    answer: 'row',
    revealed: 'never',
  },
  refusal('20', 'customer_unknown', 400, '2000', 'customer account does not exist'),
  refusal('21', 'customer_msisdn_invalid', 400, '2001', 'customer MSISDN is invalid'),
  {
    ...refusal('22', 'pin_to_be_changed', 400, '2010', 'PIN should be changed, until it was, then fine'),
    untilPinChanged: true,
  },
  refusal('23', 'balance_insufficient', 400, '2020', 'balance is insufficient'),
  refusal('24', 'payer_balance_insufficient', 400, '2021', 'balance is insufficient for payer'),
  refusal('25', 'payee_balance_insufficient', 400, '2022', 'balance is insufficient for payee'),
  refusal('26', 'ceiling_reached', 400, '2023', 'balance is maximal'),
  refusal('27', 'payer_ceiling_reached', 400, '2024', 'balance is maximal for payer'),
  refusal('28', 'payee_ceiling_reached', 400, '2025', 'balance is maximal for payee'),
  refusal('29', 'code_2030', 400, '2030', 'balance is maximal for payee, by another rule'),
  refusal('30', 'code_2031', 400, '2031', 'balance is insufficient for payer, by another rule'),
  refusal('31', 'code_2040', 400, '2040', 'balance is insufficient for payee, by another rule'),
  refusal('32', 'not_allowed', 400, '2041', 'transaction is not allowed'),
  refusal('33', 'payer_not_allowed', 400, '2042', 'transaction is not allowed for payer'),
  refusal('34', 'payee_not_allowed', 400, '2043', 'transaction is not allowed for payee'),
  refusal('35', 'bad_request', 400, '4099', 'bad request, check the parameters'),
  refusal('36', 'invalid_parameter', 400, '20', 'invalid parameter value'),
  refusal('37', 'missing_body', 400, '21', 'missing body'),
  refusal('38', 'invalid_body', 400, '22', 'invalid body'),
  refusal('39', 'missing_body_field', 400, '23', 'missing body field'),
  refusal('40', 'invalid_body_field', 400, '24', 'invalid body field'),
  refusal('41', 'access_forbidden', 403, '11', 'access forbidden'),
  refusal('42', 'not_found', 404, '60', 'resource not found'),
  refusal('43', 'internal_error', 500, '50', 'internal error'),
  refusal('44', 'try_later_500', 500, '1', 'cannot be processed now'),
  refusal('45', 'try_later_502', 502, '2', 'cannot be processed now'),
  refusal('46', 'try_later_503', 503, '5', 'cannot be processed now'),
  refusal('47', 'throttled', 429, '9', 'too many requests, for each request to this recipient'),
  { ...refusal('48', 'throttled_once', 429, '9', 'too many requests, once, then fine'), once: true },
  { ...refusal('49', 'unauthorized_once', 401, '10', 'authentication required, once, then fine'), once: true },
  {
    ...refusal('50', 'stale_key_once', 400, '4003', 'the key was rolled in between, once, then fine'),
    once: true,
    rollsKey: true,
  },
  {
    ...refusal('51', 'payer_balance_once', 400, '2021', 'balance is insufficient for payer, once, then fine'),
    once: true,
  },
  { ...refusal('52', 'unmapped_code', 400, '7777', 'a code that no table knows'), revealed: 'never' },
  {
    code: '53',
    name: 'no_code',
    description: 'HTTP 400 without the optional code; nothing moved, no row',
    rows: [],
    answer: { http: 400, detail: 'Bad Request' },
    revealed: 'never',
  },
  {
    code: '54',
    name: 'pending_51_success',
    description: 'HTTP 500 code 51 (request is pending), then SUCCESS in the search',
    rows: PAID_LATER,
    answer: { http: 500, code: '51' },
    revealed: 'search',
  },
  {
    code: '55',
    name: 'pending_51_failed',
    description: 'HTTP 500 code 51 (request is pending), then FAILED in the search',
    rows: REFUSED_LATER,
    answer: { http: 500, code: '51' },
    revealed: 'search',
  },
  {
    code: '56',
    name: 'error_500_moved',
    description: 'HTTP 500 code 50 after money moved',
    rows: PAID,
    answer: { http: 500, code: '50' },
    revealed: 'search',
  },
  {
    code: '57',
    name: 'error_503_moved',
    description: 'HTTP 503 code 5 after money moved',
    rows: PAID,
    answer: { http: 503, code: '5' },
    revealed: 'search',
  },
  {
    code: '58',
    name: 'html_502_moved',
    description: "HTTP 502 with a gateway's HTML page after money moved",
    rows: PAID,
    answer: 'html_502',
    revealed: 'search',
  },
  {
    code: '60',
    name: 'lost_moved',
    description: 'Connection closed without an answer after money moved; the search finds the row',
    rows: PAID,
    answer: 'lost',
    revealed: 'search',
  },
  {
    code: '61',
    name: 'lost_unmoved',
    description: 'Connection closed without an answer; nothing moved, no row ever',
    rows: [],
    answer: 'lost',
    revealed: 'never',
  },
  {
    code: '62',
    name: 'reset_moved',
    description: 'Connection reset (RST) after money moved',
    rows: PAID,
    answer: 'reset',
    revealed: 'search',
  },
  {
    code: '63',
    name: 'reset_unmoved',
    description: 'Connection reset (RST); nothing moved, no row ever',
    rows: [],
    answer: 'reset',
    revealed: 'never',
  },
  {
    code: '64',
    name: 'redirect_307_moved',
    description: 'Money moved, then 307 to a path that moves it again when followed',
    rows: PAID,
    answer: 'redirect_307',
    revealed: 'search',
  },
  {
    code: '65',
    name: 'redirect_302_moved',
    description: 'Money moved, then 302 to a path that moves it again when followed',
    rows: PAID,
    answer: 'redirect_302',
    revealed: 'search',
  },
  {
    code: '66',
    name: 'redirect_307_unmoved',
    description: 'Nothing moved, 307 to a path that moves it when followed',
    rows: [],
    answer: 'redirect_307',
    revealed: 'never',
  },
  {
    code: '67',
    name: 'slow_headers',
    description: 'Money moved at once, the answer only after slowAnswerMs',
    rows: PAID,
    answer: 'slow_headers',
    revealed: 'search',
  },
  {
    code: '68',
    name: 'slow_body',
    description: 'Money moved, headers at once, the rest of the body only after slowAnswerMs',
    rows: PAID,
    answer: 'slow_body',
    revealed: 'search',
  },
  {
    code: '69',
    name: 'slow_then_moves',
    description: 'Silence for slowAnswerMs; only then money moves, the row appears and the answer leaves',
    rows: PAID,
    answer: 'slow_headers',
    revealed: 'search',
    takesLate: true,
  },
  {
    code: '70',
    name: 'malformed_body',
    description: '200 with JSON cut in the middle; money moved',
    rows: PAID,
    answer: 'malformed_json',
    revealed: 'search',
  },
  {
    code: '71',
    name: 'cut_body',
    description: '200 whose connection closes before the announced length; money moved',
    rows: PAID,
    answer: 'cut_body',
    revealed: 'search',
  },
  {
    code: '72',
    name: 'empty_body',
    description: '200 with an empty body; money moved',
    rows: PAID,
    answer: 'empty_body',
    revealed: 'search',
  },
  {
    code: '73',
    name: 'unknown_status',
    description: '200 with a status that no table knows; money moved, the search says SUCCESS',
    rows: PAID,
    answer: 'unknown_status',
    revealed: 'search',
  },
  {
    code: '74',
    name: 'other_reference',
    description: '200 SUCCESS that carries another reference than ours; money moved, the search has ours',
    rows: PAID,
    answer: 'other_reference',
    revealed: 'search',
  },
  {
    code: '75',
    name: 'no_reference',
    description: '200 SUCCESS without the optional reference (legal); money moved',
    rows: PAID,
    answer: 'no_reference',
    revealed: 'search',
  },
  {
    code: '76',
    name: 'no_transaction_id',
    description: '200 SUCCESS without the required transactionId; money moved',
    rows: PAID,
    answer: 'no_transaction_id',
    revealed: 'search',
  },
  {
    code: '80',
    name: 'row_wrong_amount',
    description: 'Answer lost after money moved; the search row shows another amount',
    rows: PAID,
    answer: 'lost',
    revealed: 'contradictory',
    search: 'wrong_amount',
  },
  {
    code: '81',
    name: 'row_wrong_recipient',
    description: 'Answer lost after money moved; the search row shows another recipient',
    rows: PAID,
    answer: 'lost',
    revealed: 'contradictory',
    search: 'wrong_recipient',
  },
  {
    code: '82',
    name: 'failed_and_success',
    description: 'Answer lost; two rows of one reference, FAILED and SUCCESS; money moved once',
    rows: [{ first: 'FAILED', reason: 'Transaction failed' }, { first: 'SUCCESS' }],
    answer: 'lost',
    revealed: 'search',
  },
  {
    code: '83',
    name: 'double_credit',
    description: 'Answer lost; two SUCCESS rows of one reference; the provider itself moved money twice',
    rows: [{ first: 'SUCCESS' }, { first: 'SUCCESS' }],
    answer: 'lost',
    revealed: 'contradictory',
  },
  {
    code: '84',
    name: 'late_row',
    description: 'Answer lost after money moved; the search shows the row only after lateRowMs',
    rows: PAID,
    answer: 'lost',
    revealed: 'search',
    search: 'late',
  },
  {
    code: '85',
    name: 'hidden_row',
    description: 'Answer lost after money moved; the search never shows the row (undecidable)',
    rows: PAID,
    answer: 'lost',
    revealed: 'never',
    search: 'hidden',
  },
  {
    code: '86',
    name: 'flapping_row',
    description:
      'Answer lost after money moved; successive searches show nothing, PENDING, nothing, PENDING, then SUCCESS',
    rows: PAID,
    answer: 'lost',
    revealed: 'search',
    search: 'flapping',
  },
] as const satisfies readonly Scenario[];

export type ScenarioName = (typeof SCENARIOS)[number]['name'];
export type NamedScenario = Scenario & { readonly name: ScenarioName };

const byName: ReadonlyMap<string, NamedScenario> = new Map(SCENARIOS.map((scenario) => [scenario.name, scenario]));
const byCode: ReadonlyMap<string, NamedScenario> = new Map(
  SCENARIOS.flatMap((scenario) => (scenario.code === null ? [] : [[scenario.code, scenario]])),
);

/** Names that may be given a random rate: every scenario that a magic number can reach. */
export const FAULT_NAMES: readonly ScenarioName[] = SCENARIOS.filter((s) => s.code !== null).map((s) => s.name);

export function scenarioNamed(name: ScenarioName): NamedScenario {
  const scenario = byName.get(name);
  if (scenario === undefined) throw new Error(`no scenario is named ${name}`);
  return scenario;
}

/** The scenario of a magic recipient `7700SSnnn`; undefined for every other number. */
export function scenarioOfRecipient(msisdn: string): NamedScenario | undefined {
  const code = /^7700(\d\d)\d{3}$/.exec(msisdn)?.[1];
  return code === undefined ? undefined : byCode.get(code);
}
