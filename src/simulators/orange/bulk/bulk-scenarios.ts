import type { BulkCallbackFault } from './bulk-callback-faults';
import type { BulkRowsQuirk, BulkScenario } from './bulk-scenario';

const TAKEN = { takes: 'all', status: 'PENDING', answer: 'status' } as const;
const NOT_TAKEN = { takes: 'none', status: 'PENDING' } as const;

function refusal<N extends string>(code: string, name: N, http: number, orangeCode: string, text: string) {
  return {
    ...NOT_TAKEN,
    code,
    name,
    description: `HTTP ${http} code ${orangeCode}: ${text}; nothing taken`,
    answer: { http, code: orangeCode },
  } as const satisfies BulkScenario;
}

function errorAfter<N extends string>(code: string, name: N, http: number, orangeCode: string) {
  return {
    ...TAKEN,
    code,
    name,
    description: `HTTP ${http} code ${orangeCode} after the batch was taken`,
    answer: { http, code: orangeCode },
  } as const satisfies BulkScenario;
}

function rows<N extends string>(code: string, name: N, quirk: BulkRowsQuirk, description: string) {
  return { ...TAKEN, code, name, description, rows: quirk } as const satisfies BulkScenario;
}

function callback<N extends string>(code: string, name: N, fault: BulkCallbackFault, description: string) {
  return {
    ...TAKEN,
    code,
    name,
    description: `Callback ${description}`,
    callback: fault,
  } as const satisfies BulkScenario;
}

/** The only place where scenarios of a whole batch are defined; docs/simulator.md is tested to be equal to it. */
export const BULK_SCENARIOS = [
  {
    ...TAKEN,
    code: null,
    name: 'bulk_default',
    description: '200 PENDING, every line processed, rows as they are, one true callback',
  },
  {
    ...TAKEN,
    code: '01',
    name: 'bulk_terminated',
    description: '200 TERMINATED: every line was processed before the answer left',
    status: 'TERMINATED',
  },
  {
    code: '02',
    name: 'bulk_rejected',
    description: '200 REJECTED; no line is ever processed, no row, no callback',
    takes: 'none',
    status: 'REJECTED',
    answer: 'status',
  },
  {
    code: '03',
    name: 'bulk_rejected_half',
    description: '200 REJECTED although the first half of the lines is processed; none of its rows is hidden',
    takes: 'first_half',
    status: 'REJECTED',
    answer: 'status',
  },
  {
    code: '04',
    name: 'bulk_dropped',
    description: '200 PENDING, then no line is processed: no row ever, callback REJECTED',
    takes: 'dropped',
    status: 'PENDING',
    answer: 'status',
  },
  {
    ...NOT_TAKEN,
    code: '10',
    name: 'bulk_lost_before',
    description: 'Connection closed without an answer before the batch was taken; no row ever',
    answer: 'lost',
  },
  {
    ...TAKEN,
    code: '11',
    name: 'bulk_lost_after',
    description: 'Connection closed without an answer after the batch was taken',
    answer: 'lost',
  },
  {
    ...NOT_TAKEN,
    code: '12',
    name: 'bulk_reset_before',
    description: 'Connection reset (RST) before the batch was taken; no row ever',
    answer: 'reset',
  },
  {
    ...TAKEN,
    code: '13',
    name: 'bulk_reset_after',
    description: 'Connection reset (RST) after the batch was taken',
    answer: 'reset',
  },
  refusal('14', 'bulk_500_before', 500, '50', 'internal error'),
  errorAfter('15', 'bulk_500_after', 500, '50'),
  errorAfter('16', 'bulk_503_after', 503, '5'),
  errorAfter('17', 'bulk_51_after', 500, '51'),
  {
    ...TAKEN,
    code: '18',
    name: 'bulk_html_502_after',
    description: "HTTP 502 with a gateway's HTML page after the batch was taken",
    answer: 'html_502',
  },
  {
    ...TAKEN,
    code: '19',
    name: 'bulk_redirect_307_after',
    description: 'HTTP 307 to the same address after the batch was taken: whoever follows sends it again',
    answer: 'redirect_307',
  },
  {
    ...TAKEN,
    code: '20',
    name: 'bulk_slow_headers',
    description: 'Taken at once, the answer only after slowAnswerMs',
    answer: 'slow_headers',
  },
  {
    ...TAKEN,
    code: '21',
    name: 'bulk_slow_body',
    description: 'Taken, headers at once, the rest of the body only after slowAnswerMs',
    answer: 'slow_body',
  },
  {
    ...TAKEN,
    code: '22',
    name: 'bulk_slow_then_taken',
    description: 'Silence for slowAnswerMs; only then the batch is taken and the answer leaves',
    takesLate: true,
  },
  {
    ...TAKEN,
    code: '23',
    name: 'bulk_malformed_body',
    description: '200 with JSON cut in the middle; taken',
    answer: 'malformed_json',
  },
  {
    ...TAKEN,
    code: '24',
    name: 'bulk_cut_body',
    description: '200 whose connection closes before the announced length; taken',
    answer: 'cut_body',
  },
  {
    ...TAKEN,
    code: '25',
    name: 'bulk_empty_body',
    description: '200 with an empty body; taken',
    answer: 'empty_body',
  },
  {
    ...TAKEN,
    code: '26',
    name: 'bulk_unknown_status',
    description: '200 with a status that no table knows; taken',
    answer: 'unknown_status',
  },
  {
    ...TAKEN,
    code: '27',
    name: 'bulk_no_bulk_id',
    description: '200 PENDING without the required bulkId; taken',
    answer: 'no_bulk_id',
  },
  refusal('30', 'bulk_bad_request', 400, '4099', 'bad request, check the parameters'),
  refusal('31', 'bulk_payer_balance', 400, '2021', 'balance is insufficient for payer'),
  refusal('32', 'bulk_access_forbidden', 403, '11', 'access forbidden'),
  { ...refusal('33', 'bulk_throttled_once', 429, '9', 'too many requests, once, then fine'), once: true },
  { ...refusal('34', 'bulk_unauthorized_once', 401, '10', 'authentication required, once, then fine'), once: true },
  {
    ...refusal('35', 'bulk_stale_key_once', 400, '4003', 'the key was rolled in between, once, then fine'),
    once: true,
    rollsKey: true,
  },
  rows('40', 'bulk_late_rows', 'late', 'Every second row appears in the search only after lateRowMs, callback or not'),
  rows(
    '41',
    'bulk_stragglers',
    'stragglers',
    'The second half of the lines is processed lateRowMs after the batch has ended',
  ),
  rows(
    '42',
    'bulk_shifting_pages',
    'shifting',
    'The newest quarter of the rows appears one by one, each time a page after the first is read; all after lateRowMs',
  ),
  rows('43', 'bulk_doubled_rows', 'doubled', 'Each row is listed twice, with one transactionId'),
  callback('50', 'bulk_callback_lost', 'lost', 'never sent'),
  callback('51', 'bulk_callback_double', 'double', 'sent twice, the same event'),
  callback('52', 'bulk_callback_late', 'late', 'sent lateCallbackMs after the end'),
  callback('53', 'bulk_callback_early', 'early', 'sent before any line is processed and before the answer'),
  callback(
    '54',
    'bulk_callback_forged',
    'forged',
    'of contrary status under wrong keys sent before the true one, each to the same address',
  ),
  callback('55', 'bulk_callback_contradictory', 'contradictory', 'sent, then one of contrary status, both authentic'),
  callback(
    '56',
    'bulk_callback_other_bulk_id',
    'other_bulk_id',
    "with another batch's id sent before the true one, both authentic",
  ),
] as const satisfies readonly BulkScenario[];

export type BulkScenarioName = (typeof BULK_SCENARIOS)[number]['name'];
export type NamedBulkScenario = BulkScenario & { readonly name: BulkScenarioName };

const byName: ReadonlyMap<string, NamedBulkScenario> = new Map(
  BULK_SCENARIOS.map((scenario) => [scenario.name, scenario]),
);
const byCode: ReadonlyMap<string, NamedBulkScenario> = new Map(
  BULK_SCENARIOS.flatMap((scenario) => (scenario.code === null ? [] : [[scenario.code, scenario]])),
);

/** Names that may be given a random rate, or planned for the next batches. */
export const BULK_FAULT_NAMES: readonly BulkScenarioName[] = BULK_SCENARIOS.filter(({ code }) => code !== null).map(
  ({ name }) => name,
);

export function bulkScenarioNamed(name: BulkScenarioName): NamedBulkScenario {
  const scenario = byName.get(name);
  if (scenario === undefined) throw new Error(`no bulk scenario is named ${name}`);
  return scenario;
}

/** The scenario of a batch whose first recipient is `7701SSnnn`; undefined for every other number. */
export function bulkScenarioOfRecipient(msisdn: string): NamedBulkScenario | undefined {
  const code = /^7701(\d\d)\d{3}$/.exec(msisdn)?.[1];
  return code === undefined ? undefined : byCode.get(code);
}
