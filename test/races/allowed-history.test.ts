import { findViolations } from './allowed-history';
import { createRaceWorld } from './race-world';
import type { RaceWorld } from './race-world';
import { readHistory } from './read-history';
import type { History } from './read-history';

/** Breaks one thing in a history that is allowed; what must be said of it. */
const BREAKS: [name: string, break_: (history: History) => void, said: string][] = [
  ['an event is missing', ({ events }) => void events.splice(1, 1), 'leaves processing'],
  ['a version without an event', ({ payout }) => (payout.version += 1), 'version'],
  ['a step beside the table', ({ events }) => (events[1]!.to_state = 'returned'), 'queued may not go to returned'],
  ['another state than the last event', ({ payout }) => (payout.state = 'pending'), 'it is pending'],
  ['a call twice', ({ submissions }) => submissions.push({ ...submissions[0]! }), 'the calls 1,1'],
  ['a call beyond the attempt', ({ submissions }) => (submissions[0]!.attempt = 2), 'beyond'],
  ['a reference of another', ({ submissions }) => (submissions[0]!.id = 'sub_x'), 'wrong reference'],
  ['a call without an intent', ({ events }) => (events[1]!.submission_id = null), '0 steps to processing'],
  [
    'two calls that may have paid',
    ({ submissions }) => submissions.push({ ...submissions[0]!, call: 2, outcome: 'unknown' }),
    '2 calls may have',
  ],
  ['a success of nothing', ({ submissions }) => (submissions[0]!.outcome = 'unknown'), 'without a settled call'],
  ['an outcome that was not written', ({ outcomes }) => void outcomes.pop(), 'no chain'],
  ['an open hold', ({ holds }) => (holds[0]!.closed_by = null), 'has the end null'],
  ['a second hold', ({ holds }) => holds.push({ ...holds[0]!, hold_no: 2 }), 'the holds 1,2'],
  ['a second capture', ({ entries }) => entries.push({ ...entries.at(-1)! }), 'booked are'],
  ['a wrong amount', ({ entries }) => (entries[0]!.amount += 1n), 'is of 1001'],
  ['an event that nobody hears', ({ outbox }) => void outbox.pop(), 'to be told'],
  ['an event twice', ({ outbox }) => outbox.push({ ...outbox[0]! }), 'to be told'],
  ['one claim for two', ({ deliveries }) => deliveries.push({ ...deliveries[0]! }), 'twice under one claim'],
  ['no claim', ({ deliveries }) => (deliveries[0]!.claim_no = 9), 'without a claim'],
  ['a delivery unasked', ({ deliveries }) => deliveries.push({ ...deliveries[0]!, claim_no: 0 }), 'delivered 2 times'],
  ['delivered and never was', ({ deliveries }) => (deliveries[0]!.result = 'timeout'), 'never was'],
  ['a request twice', ({ provider }) => (provider.requests[Object.keys(provider.requests)[0]!] = 2), 'sent 2 times'],
  ['a request of nobody', ({ provider }) => (provider.requests['sub_y'] = 1), 'not written'],
  ['a second credit', ({ provider }) => provider.credits.push({ ...provider.credits[0]! }), 'credited 2 times'],
  ['a credit to another', ({ provider }) => (provider.credits[0]!.customer = '770000000'), 'a wrong credit'],
  ['no credit', ({ provider }) => void provider.credits.pop(), 'was not paid'],
  [
    'paid and called failed',
    ({ payout, events }) => {
      payout.state = 'failed';
      events.at(-1)!.to_state = 'failed';
    },
    'nobody is asked',
  ],
];

describe('the checker of histories', () => {
  let world: RaceWorld;
  let allowed: History;
  beforeAll(async () => {
    world = await createRaceWorld();
    // Nobody listens there: what is delivered is written by hand below.
    await world.addEndpoint('http://127.0.0.1:9/nobody');
    await world.startWorkers();
    const id = await world.send(world.recipientOf('success'));
    await world.untilState(id, 'succeeded');
    allowed = await readHistory(world, id);
    const [first] = allowed.outbox;
    first!.claim_no = Math.max(1, first!.claim_no);
    first!.delivered = true;
    allowed.deliveries = [{ ...first!, claim_no: 1, result: 'delivered' }];
  });
  afterAll(() => world.close());

  test('finds nothing in the history of a payout that was paid once', () => {
    expect(allowed.outbox.map(({ type }) => type)).toEqual(['payout.processing', 'payout.succeeded']);
    expect(findViolations(allowed)).toEqual([]);
  });

  test.each(BREAKS)('names %s', (_name, break_, said) => {
    const broken = structuredClone(allowed);
    break_(broken);
    expect(findViolations(broken).join('\n')).toContain(said);
  });

  test('allows a credit of a failed payout only while people are asked about it', () => {
    const broken = structuredClone(allowed);
    broken.payout.state = 'failed';
    expect(findViolations({ ...broken, openReviews: ['late_credit'] }).join('\n')).not.toContain('nobody is asked');
  });

  test('counts a redelivery that was asked for', () => {
    const again = structuredClone(allowed);
    again.outbox[0]!.claim_no = 2;
    again.deliveries.push({ ...again.deliveries[0]!, claim_no: 2 });
    expect(findViolations(again)).toHaveLength(1);
    expect(findViolations(again, { redelivered: 1 })).toEqual([]);
  });
});
