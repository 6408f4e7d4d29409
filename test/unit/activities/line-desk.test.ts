import { createLineDesk } from '../../../src/activities/lines/line-desk';
import type { LineDesk } from '../../../src/activities/lines/line-desk';
import type { OpenLine } from '../../../src/db/open-lines';
import type { Payout } from '../../../src/domain/payout';
import type { Submission } from '../../../src/domain/submission';

const AT_ONCE = { poll: { firstMs: 0, maxMs: 0 } };
const BULK = 'bulk_1';

function lineIn(state: Payout['state'], over: Partial<Payout> = {}): Payout {
  const longAgo = new Date(Date.now() - 60_000);
  return {
    ...{ id: 'po_1', owner: `bulk/${BULK}`, bulkId: BULK, state, attempt: 1, credentialId: 'cred', retryAt: null },
    ...{ settleBy: null, providerReference: null, updatedAt: longAgo },
    ...over,
  } as Payout;
}

function callOf(over: Partial<Submission>): Submission {
  return {
    id: 'sub_1',
    payoutId: 'po_1',
    credentialId: 'cred',
    providerReference: null,
    batchId: null,
    ...over,
  } as Submission;
}

/** How the end of the desk's one line comes to be known. */
function awaitedBy(desk: LineDesk): string | undefined {
  return (['ask', 'seek_alone', 'seek_together'] as const).find((by) => desk.takeAwaited(by).length > 0);
}

function deskOf(...lines: OpenLine[]): LineDesk {
  return createLineDesk(lines, AT_ONCE);
}

describe('the desk of lines', () => {
  test('a line of a lost batch that was seen in flight stays looked for with its batch', () => {
    const desk = deskOf();
    desk.note([lineIn('unknown')], { inBatch: true });
    expect(awaitedBy(desk)).toBe('seek_together');
    desk.note([lineIn('pending', { providerReference: 'MP1' })]);
    expect(awaitedBy(desk)).toBe('seek_together');
  });

  test('so it does for the next activity, which reads its call', () => {
    const call = callOf({ outcome: 'accepted', providerReference: 'MP1', batchId: 'batch_1' });
    expect(awaitedBy(deskOf({ payout: lineIn('pending'), submissions: [call] }))).toBe('seek_together');
  });

  test('a line that left by itself is asked for by the provider’s reference', () => {
    const call = callOf({ outcome: 'accepted', providerReference: 'MP1' });
    expect(awaitedBy(deskOf({ payout: lineIn('pending'), submissions: [call] }))).toBe('ask');
  });

  test('a line that left by itself after it had left in a batch is asked for', () => {
    const desk = deskOf();
    desk.note([lineIn('queued')], { inBatch: true });
    desk.note([lineIn('pending', { attempt: 2, providerReference: 'MP2' })], { inBatch: false });
    expect(awaitedBy(desk)).toBe('ask');
  });
});
