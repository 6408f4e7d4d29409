import { leastBulkSeconds } from '../../../src/domain/bulk-duration';
import { paceOf } from '../../../src/domain/bulk-pace';

describe('how fast a bulk goes', () => {
  const minute = { resting: 100, age: 60_000 };

  test('lines that came to rest since the sample, per minute, and when the others will have', () => {
    expect(paceOf('running', { lines: 1_000, resting: 400, sample: minute })).toEqual({ rate: 300, endsIn: 120_000 });
    expect(paceOf('stopping', { lines: 1_000, resting: 400, sample: minute })).toEqual({ rate: 300, endsIn: 120_000 });
    expect(paceOf('running', { lines: 1_000, resting: 105, sample: { resting: 100, age: 2_000 } }).rate).toBe(150);
  });

  test('no end where nothing moves or nothing leaves', () => {
    expect(paceOf('running', { lines: 1_000, resting: 100, sample: minute })).toEqual({ rate: 0, endsIn: null });
    expect(paceOf('paused', { lines: 1_000, resting: 400, sample: minute })).toEqual({ rate: 300, endsIn: null });
  });

  test.each([
    ['there is no sample', 'running', null],
    ['it has just begun', 'running', { resting: 0, age: 900 }],
    ['it is at its end', 'completed', minute],
  ] as const)('nothing where %s', (_why, state, sample) => {
    expect(paceOf(state, { lines: 1_000, resting: 400, sample })).toEqual({ rate: null, endsIn: null });
  });
});

describe('how long a bulk takes at the least', () => {
  test('two requests for each line: a fifth of a minute at once, the rest evenly', () => {
    // 200 requests, of which 12 come at once and 48 in each minute.
    expect(leastBulkSeconds(100, { requestsPerMinute: 60, linesPerCall: null })).toBe(235);
    expect(leastBulkSeconds(1, { requestsPerMinute: 60, linesPerCall: null })).toBe(1);
  });

  test('by the provider’s own bulk call: a call for each batch and a page for each 500', () => {
    expect(leastBulkSeconds(100_000, { requestsPerMinute: 60, linesPerCall: 500 })).toBe(485);
    expect(leastBulkSeconds(100_000, { requestsPerMinute: 60, linesPerCall: 5_000 })).toBe(485);
    expect(leastBulkSeconds(100_000, { requestsPerMinute: 60, linesPerCall: 250 })).toBe(735);
  });

  test('not known without a limit, and of nothing', () => {
    expect(leastBulkSeconds(100, { requestsPerMinute: null, linesPerCall: null })).toBeNull();
    expect(leastBulkSeconds(0, { requestsPerMinute: 60, linesPerCall: null })).toBeNull();
  });
});
