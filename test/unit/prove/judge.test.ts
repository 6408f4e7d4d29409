import { submissionReference } from '../../../src/domain/reference';
import { explainViolations } from '../../../src/prove/explain';
import { judge, VIOLATIONS } from '../../../src/prove/judge';
import type { Evidence, Violation } from '../../../src/prove/judge';
import { verdict } from '../../../src/prove/report';

const PAID = `po_${'a'.repeat(26)}`;
const REFUSED = `po_${'b'.repeat(26)}`;
const HIDDEN = `po_${'c'.repeat(26)}`;
const CUT_OFF = `po_${'d'.repeat(26)}`;
const BULK = `bulk_${'f'.repeat(26)}`;
const SENT_AT = 1_000_000;

function reference(payoutId: string, attempt = 1): string {
  return submissionReference({ payoutId, attempt, call: 1 });
}

function credit(payoutId: string, customer: string, amount: number, transactionId = `T-${payoutId}`) {
  return { transactionId, reference: reference(payoutId), customer, amount, scenario: 'default' };
}

/**
 * A run in which everything went right: one paid, one refused, one that nobody can know, one whose worker was killed; the first
 * two are the lines of a bulk.
 */
function honest(): Evidence {
  return {
    accepted: [
      { id: PAID, recipient: '771000001', amount: 101 },
      { id: REFUSED, recipient: '771000002', amount: 102 },
      { id: HIDDEN, recipient: '771000003', amount: 103 },
      { id: CUT_OFF, recipient: '771000004', amount: 104 },
    ],
    told: new Map([
      [PAID, { state: 'succeeded', attempt: 1, sentAt: SENT_AT }],
      [REFUSED, { state: 'failed', attempt: 1, sentAt: SENT_AT }],
      [HIDDEN, { state: 'unknown', attempt: 1, sentAt: SENT_AT }],
      [CUT_OFF, { state: 'unknown', attempt: 1, sentAt: SENT_AT }],
    ]),
    truth: {
      credits: [credit(PAID, '771000001', 101), credit(HIDDEN, '771000003', 103)],
      references: [
        {
          reference: reference(PAID),
          requests: 1,
          scenarios: ['default'],
          answers: ['200'],
          revealed: 'search',
          credited: 101,
        },
        {
          reference: reference(REFUSED),
          requests: 1,
          scenarios: ['customer_unknown'],
          answers: ['400 2031'],
          revealed: 'answer',
          credited: 0,
        },
        {
          reference: reference(HIDDEN),
          requests: 1,
          scenarios: ['hidden_row'],
          answers: ['lost'],
          revealed: 'never',
          credited: 103,
        },
      ],
      undecidable: [{ reference: reference(HIDDEN) }],
      sumsToZero: true,
    },
    bulks: [{ id: BULK, state: 'completed', lines: [PAID, REFUSED] }],
    webhooks: [
      { type: 'payout.succeeded', payoutId: PAID, verified: true },
      { type: 'payout.failed', payoutId: REFUSED, verified: true },
      { type: 'bulk.completed', payoutId: BULK, verified: true },
    ],
    books: { sum: 0, strayHolds: 0, wrongRollUps: [] },
    kills: [{ process: 'worker', at: SENT_AT + 100, open: 30 }],
    callMs: 5_000,
  };
}

/** The evidence with one thing forged. */
type Forgery = (evidence: Evidence) => Partial<Evidence>;

function tell(evidence: Evidence, payoutId: string, state: string): Partial<Evidence> {
  return { told: new Map([...evidence.told, [payoutId, { state, attempt: 1, sentAt: SENT_AT }]]) };
}

function addCredit({ truth }: Evidence, ...credits: Evidence['truth']['credits']): Partial<Evidence> {
  return { truth: { ...truth, credits: [...truth.credits, ...credits] } };
}

/** As the provider's own double credit looks in its books. */
function doubleCredits(payoutId: string, customer: string, amount: number): Evidence['truth']['credits'] {
  return ['T-3', 'T-4'].map((id) => ({ ...credit(payoutId, customer, amount, id), scenario: 'double_credit' }));
}

describe('the judge', () => {
  test('finds nothing in an honest run, and counts what is open by its reason', () => {
    const judgement = judge(honest());
    expect(Object.values(judgement.violations).flat()).toEqual([]);
    expect(judgement).toMatchObject({ accepted: 4, creditedOnce: 2, final: 2, undecidable: 1, interrupted: 1 });
  });

  test.each<[Violation, string, Forgery]>([
    [
      'credited twice',
      'a second credit under another reference',
      (run) => addCredit(run, { ...credit(PAID, '771000001', 101, 'T-2'), reference: reference(PAID, 2) }),
    ],
    ['lost', 'the API knows nothing of it', (run) => ({ told: new Map([...run.told, [PAID, null]]) })],
    ['lost', 'it was never asked about', ({ told }) => ({ told: new Map([...told].filter(([id]) => id !== PAID)) })],
    [
      'wrong amount or recipient',
      'another amount',
      ({ truth }) => ({
        truth: { ...truth, credits: [credit(PAID, '771000001', 999)] },
      }),
    ],
    ['wrong amount or recipient', 'a stranger', (run) => addCredit(run, credit(PAID, '779999999', 101, 'T-3'))],
    [
      'credited twice',
      'it was sent again under the same reference',
      ({ truth }) => ({
        truth: {
          ...truth,
          credits: doubleCredits(PAID, '771000001', 101),
          references: truth.references.map((asked) => ({ ...asked, requests: 2 })),
        },
      }),
    ],
    [
      'credited twice',
      'a redirect of the money call was followed',
      (run) => addCredit(run, { ...credit(PAID, '771000001', 101, 'T-6'), scenario: 'followed_redirect' }),
    ],
    [
      'credits of nobody',
      'a payout that was never accepted',
      (run) => addCredit(run, credit(`po_${'e'.repeat(26)}`, '771000009', 109, 'T-7')),
    ],
    [
      'credits of nobody',
      'no reference of ours',
      (run) => addCredit(run, { ...credit(PAID, '771000001', 101, 'T-8'), reference: null }),
    ],
    ['said failed but paid', 'failed', (run) => tell(run, PAID, 'failed')],
    ['said failed but paid', 'cancelled', (run) => tell(run, PAID, 'cancelled')],
    ['said paid but not paid', 'no credit', (run) => tell(run, REFUSED, 'succeeded')],
    [
      'not final though the provider tells',
      'parked as unknown',
      (run) => ({
        ...tell(run, PAID, 'unknown'),
        kills: [],
      }),
    ],
    [
      'not final though the provider tells',
      'parked for people, and a kill is no excuse where money moved',
      (run) => tell(run, PAID, 'in_review'),
    ],
    ['not final though the provider tells', 'left in the queue', (run) => tell(run, REFUSED, 'queued')],
    ['not final though the provider tells', 'no request ever came and nobody was killed', () => ({ kills: [] })],
    [
      'not final though the provider tells',
      'the kill was at another time',
      () => ({
        kills: [{ process: 'worker', at: SENT_AT + 60_000, open: 30 }],
      }),
    ],
    [
      'not final though the provider tells',
      'the database was killed in its call, and the worker much later',
      () => ({
        kills: [
          { process: 'postgres', at: SENT_AT + 100, open: 30 },
          { process: 'worker', at: SENT_AT + 60_000, open: 30 },
        ],
      }),
    ],
    [
      'not final though the provider tells',
      'another process was killed',
      () => ({
        kills: [{ process: 'api', at: SENT_AT + 100, open: 30 }],
      }),
    ],
    ['final though nobody can know', 'a guess', (run) => tell(run, HIDDEN, 'succeeded')],
    ['final without a verified webhook', 'none came', ({ webhooks }) => ({ webhooks: webhooks.slice(1) })],
    [
      'final without a verified webhook',
      'its signature was wrong',
      ({ webhooks }) => ({
        webhooks: webhooks.map((webhook) => ({ ...webhook, verified: false })),
      }),
    ],
    [
      'final without a verified webhook',
      'it told another state',
      ({ webhooks }) => ({
        webhooks: webhooks.map((webhook) => ({ ...webhook, type: 'payout.processing' })),
      }),
    ],
    ['lost', 'the API knows nothing of a bulk', () => ({ bulks: [{ id: BULK, state: null, lines: [PAID] }] })],
    [
      'bulk not at its end though its lines are',
      'it goes on and on',
      () => ({ bulks: [{ id: BULK, state: 'running', lines: [PAID, REFUSED] }] }),
    ],
    [
      'bulk at its end with open lines',
      'one of which nobody knows yet',
      () => ({ bulks: [{ id: BULK, state: 'completed', lines: [PAID, HIDDEN] }] }),
    ],
    [
      'bulk at its end with open lines',
      'one was never told of',
      () => ({ bulks: [{ id: BULK, state: 'cancelled', lines: [`${BULK}/a-line`] }] }),
    ],
    [
      'final without a verified webhook',
      'a bulk that told of another end',
      () => ({ bulks: [{ id: BULK, state: 'cancelled', lines: [PAID] }] }),
    ],
    [
      'roll-up is not what the lines say',
      'one line was counted twice',
      ({ books }) => ({ books: { ...books, wrongRollUps: [BULK] } }),
    ],
    ['ledger sum is not zero', 'money was made', ({ books }) => ({ books: { ...books, sum: 1 } })],
    ['holds left without an open payout', 'one hold', ({ books }) => ({ books: { ...books, strayHolds: 1 } })],
    [
      'provider books do not balance',
      'the simulator erred',
      ({ truth }) => ({ truth: { ...truth, sumsToZero: false } }),
    ],
  ])('finds: %s (%s)', (violation, _how, forge) => {
    const run = honest();
    const { violations } = judge({ ...run, ...forge(run) });
    expect(violations[violation].length).toBeGreaterThan(0);
  });

  test('an answer that waited for the database may die with its worker a little later', () => {
    const kills = [
      { process: 'postgres', at: SENT_AT + 100, open: 30 },
      { process: 'worker', at: SENT_AT + 12_000, open: 30 },
    ];
    expect(judge({ ...honest(), kills })).toMatchObject({ interrupted: 1 });
    expect(judge({ ...honest(), kills: kills.slice(1) })).toMatchObject({ interrupted: 0 });
  });

  test('a credit that the provider itself gave twice for one request is counted apart', () => {
    const run = honest();
    const twice = doubleCredits(HIDDEN, '771000003', 103);
    const doubled = { truth: { ...run.truth, credits: [credit(PAID, '771000001', 101), ...twice] } };
    const webhooks = [...run.webhooks, { type: 'payout.succeeded', payoutId: HIDDEN, verified: true }];
    const judgement = judge({ ...run, ...tell(run, HIDDEN, 'succeeded'), ...doubled, webhooks });
    expect(judgement.doubledByProvider).toBe(1);
    expect(Object.values(judgement.violations).flat()).toEqual([]);
  });
});

test('of what was found wrong it is told what both sides say', () => {
  const run = honest();
  const wrong: Evidence = { ...run, ...tell(run, REFUSED, 'unknown') };
  wrong.told.get(REFUSED)!.history = 'sent at noon';
  expect(explainViolations(judge(run), run)).toEqual([]);
  expect(explainViolations(judge({ ...wrong, kills: [] }), wrong)).toEqual([
    `${REFUSED} is unknown: sent at noon`,
    `  ${reference(REFUSED)}: customer_unknown; answered 400 2031; told by answer; credited 0`,
    expect.stringContaining(CUT_OFF) as unknown,
    '  no request of it ever arrived',
  ]);
});

describe('the verdict', () => {
  const result = {
    judgement: judge(honest()),
    faults: { 'cash-in lost_moved': 1 },
    kills: [
      { process: 'worker', at: 0, open: 30 },
      { process: 'api', at: 1, open: 12 },
    ],
    secrets: { bytes: 1, found: [] },
    details: [],
    seconds: 1,
  };
  const demands = { kills: 1, openAtKill: 20 };

  test('passes where nothing is wrong and enough was done to make it go wrong', () => {
    expect(verdict(result, demands)).toEqual([]);
  });

  test.each<[string, object, object]>([
    ['never happened', { faults: { 'cash-in lost_moved': 0 } }, {}],
    ['only 1 of 2 kills', {}, { kills: 2 }],
    ['secrets found', { secrets: { bytes: 1, found: ['log api.log'] } }, {}],
    ...VIOLATIONS.map((name): [string, object, object] => [
      name,
      { judgement: { ...result.judgement, violations: { ...result.judgement.violations, [name]: ['po_x'] } } },
      {},
    ]),
  ])('fails: %s', (words, forged, demanded) => {
    expect(verdict({ ...result, ...forged }, { ...demands, ...demanded }).join()).toContain(words);
  });
});
