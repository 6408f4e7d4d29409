import type { BulkApi } from '../../../src/bulk-client/api';
import type { BulkView } from '../../../src/bulk-client/api-views';
import { describeAmount } from '../../../src/bulk-client/amounts';
import { exitCodeOf } from '../../../src/bulk-client/exit-code';
import { followBulk } from '../../../src/bulk-client/follow-bulk';
import { progressBar, progressWords } from '../../../src/bulk-client/progress-line';
import { createScreen } from '../../../src/bulk-client/screen';
import { stateWords } from '../../../src/bulk-client/state-words';
import { LINE_GROUPS } from '../../../src/bulk-client/tally';
import { PAYOUT_STATE_NAMES } from '../../../src/domain/payout-state';

function bulk(lines: Record<string, number>, changes: Partial<BulkView> = {}): BulkView {
  const counts = Object.entries(lines);
  return {
    ...{ id: 'bulk_1', state: 'running', reason: 'held', currency: 'XOF', skipped_lines: 0, scheduled_at: null },
    ...{ received_at: '2026-11-23T07:00:00Z', content_sha256: 'ab12' },
    lines: counts.reduce((sum, [, count]) => sum + count, 0),
    total: String(counts.reduce((sum, [, count]) => sum + count * 100, 0)),
    progress: Object.fromEntries(
      counts.map(([state, count]) => [state, { lines: count, amount: String(count * 100) }]),
    ),
    ...changes,
  };
}

test('every state of a payout stands in one group', () => {
  expect(Object.values(LINE_GROUPS).flat().sort()).toEqual([...PAYOUT_STATE_NAMES].sort());
});

test('the line shows what rests, and every group that has lines', () => {
  const half = bulk({ succeeded: 1_200, failed: 1, in_review: 1, processing: 2, pending: 3, queued: 1_195 });
  const words = 'running  50 %  paid 1,200, failed 1, in review 1, under way 5, waiting 1,195';
  expect(progressWords(half)).toBe(words);
  expect(progressBar(half)).toBe(`[${'█'.repeat(12)}${'░'.repeat(12)}] ${words}`);
});

test('100 % is said of all lines only', () => {
  expect(progressWords(bulk({ succeeded: 9_999, unknown: 1 }))).toContain(' 99 %');
  expect(progressWords(bulk({ succeeded: 9_999, in_review: 1 }))).toContain('100 %');
});

test('rate and end are shown where the API tells them', () => {
  const told = bulk({ succeeded: 1 }, { rate: 1_234.4, estimated_end: '2026-11-23T07:30:00Z' });
  const end = new Date('2026-11-23T07:30:00Z').toTimeString().slice(0, 5);
  expect(progressWords(told)).toMatch(new RegExp(`1,234 lines/min {2}ends about ${end}$`));
});

test.each([
  [{ succeeded: 3 }, {}, 0],
  [{ succeeded: 3 }, { skipped_lines: 1 }, 3],
  [{ succeeded: 3, failed: 1 }, {}, 3],
  [{ succeeded: 3, cancelled: 1 }, { state: 'cancelled' }, 3],
  [{ succeeded: 3, returned: 1 }, {}, 3],
  [{ succeeded: 3, failed: 1, in_review: 1 }, {}, 4],
  [{ succeeded: 3, unknown: 1 }, {}, 4],
  [{ cancelled: 3 }, { state: 'rejected' }, 2],
  [{}, { state: 'invalid' }, 2],
] as const)('%j %j ends with %d', (lines, changes, code) => {
  expect(exitCodeOf(bulk(lines, { state: 'completed', ...changes }))).toBe(code);
});

test.each([
  ['awaiting_approval', /second person.*POST https:\/\/pay\/v1\/bulk-cash-ins\/bulk_1\/approve.*"ab12"/],
  ['awaiting_float', /1,200 XOF are needed.*operator.*top-up/],
  ['scheduled', /2027-01-04/],
  ['paused', /POST https:\/\/pay\/v1\/bulk-cash-ins\/bulk_1\/resume/],
])('%s says who must do what', (state, words) => {
  expect(stateWords(bulk({ accepted: 12 }, { state, scheduled_at: '2027-01-04T09:00:00Z' }), 'https://pay')).toMatch(
    words,
  );
});

test('what is missing of the float is said, until it is there', () => {
  const waiting = (missing_amount: string | null): string | null =>
    stateWords(bulk({ accepted: 12 }, { state: 'awaiting_float', missing_amount }), 'https://pay');
  expect(waiting('900')).toMatch(/1,200 XOF are needed at once, 900 XOF are missing\./);
  expect(waiting('0')).toMatch(/large enough by now/);
  expect(waiting(null)).not.toMatch(/missing/);
});

test('who watches hears of each top-up that is not enough', async () => {
  const readings = [
    ...['900', '900', '400'].map((missing_amount) => ({ state: 'awaiting_float', missing_amount })),
    { state: 'completed', missing_amount: null },
  ].map((changes) => bulk({ accepted: 12 }, changes));
  const said: string[] = [];
  const screen = { say: (line: string) => void said.push(line), show: () => undefined, close: () => undefined };
  const api = { url: 'https://pay', read: () => Promise.resolve(readings.shift()!) } as unknown as BulkApi;
  await followBulk('bulk_1', { api, screen, signal: new AbortController().signal, giveUpAfterMs: Infinity });
  expect(said.map((line) => /(\d+) XOF are missing/.exec(line)?.[1])).toEqual(['900', '400']);
});

test('a running bulk needs no words', () => {
  expect(stateWords(bulk({ queued: 1 }), 'https://pay')).toBeNull();
});

test('amounts have the decimals of their currency', () => {
  expect(describeAmount(12_500n, 'XOF')).toBe('12,500 XOF');
  expect(describeAmount(1_205n, 'EUR')).toBe('12.05 EUR');
  expect(describeAmount(7n, null)).toBe('7 (minor units)');
});

describe('the screen', () => {
  function written(terminal: { isTTY: boolean; columns?: number }): {
    screen: ReturnType<typeof createScreen>;
    text: () => string;
  } {
    let text = '';
    const output = { ...terminal, write: (more: string) => (text += more) };
    return { screen: createScreen(output, () => new Date(2026, 10, 23, 7, 5, 9)), text: () => text };
  }

  test('on a terminal one line is drawn anew, no wider than the terminal, and others stay above it', () => {
    const { screen, text } = written({ isTTY: true, columns: 8 });
    screen.show({ bar: '[#     ]  1', words: '' });
    screen.say('said');
    screen.close();
    screen.say('after');
    expect(text()).toBe('\r\u001b[2K[#     \r\u001b[2Ksaid\n[#     \nafter\n');
  });

  test('elsewhere a line is written when something changed', () => {
    const { screen, text } = written({ isTTY: false });
    for (const words of ['running 1', 'running 1', 'running 2']) screen.show({ bar: '', words });
    expect(text()).toBe('07:05:09  running 1\n07:05:09  running 2\n');
  });
});
