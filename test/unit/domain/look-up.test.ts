import { judgeRows } from '../../../src/domain/look-up';
import type { ProviderRow, SentOrder } from '../../../src/domain/look-up';

const SENT: SentOrder = {
  reference: 'sub_1',
  amount: 1_000n,
  currency: 'XOF',
  recipient: '771234567',
  partner: '781234567',
};

function row(providerReference: string, status: ProviderRow['status'], rest: Partial<ProviderRow> = {}): ProviderRow {
  return { ...SENT, providerReference, status, words: { code: null, text: null }, ...rest };
}

describe('all rows of one reference', () => {
  test('none: absent', () => {
    expect(judgeRows([], SENT)).toEqual({ verdict: 'absent' });
  });

  test.each<[string, ProviderRow['status'][], string, string]>([
    ['a success: settled', ['success'], 'settled', 't0'],
    ['a failure: rejected', ['failed'], 'rejected', 't0'],
    ['one in flight: not final', ['in_flight'], 'in_flight', 't0'],
    ['an unmapped status: not final', ['unmapped'], 'in_flight', 't0'],
    ['a success beside a failure: settled', ['failed', 'success'], 'settled', 't1'],
    ['a success beside one in flight: settled', ['in_flight', 'success'], 'settled', 't1'],
    ['a success beside an unmapped one: settled', ['unmapped', 'success', 'failed'], 'settled', 't1'],
    ['a failure beside one in flight: not final', ['failed', 'in_flight'], 'in_flight', 't1'],
    ['a failure beside an unmapped one: not final', ['failed', 'unmapped'], 'in_flight', 't1'],
    ['two failures: rejected', ['failed', 'failed'], 'rejected', 't0'],
  ])('%s', (_, statuses, verdict, reference) => {
    const rows = statuses.map((status, index) => row(`t${index}`, status));
    expect(judgeRows(rows, SENT)).toMatchObject({ verdict, row: { providerReference: reference } });
  });

  test('two successes: a review of a double credit, on the second', () => {
    const rows = [row('t0', 'success'), row('t1', 'failed'), row('t2', 'success')];
    expect(judgeRows(rows, SENT)).toMatchObject({
      verdict: 'review',
      item: 'double_credit',
      row: { providerReference: 't2' },
    });
  });

  test('the same transaction seen on two pages counts once', () => {
    expect(judgeRows([row('t0', 'success'), row('t0', 'success')], SENT)).toMatchObject({ verdict: 'settled' });
  });

  test('a transaction that became final between two pages counts as it was seen last', () => {
    expect(judgeRows([row('t0', 'in_flight'), row('t0', 'success')], SENT)).toMatchObject({ verdict: 'settled' });
    expect(judgeRows([row('t0', 'in_flight'), row('t0', 'failed')], SENT)).toMatchObject({ verdict: 'rejected' });
  });

  test.each<[keyof SentOrder, Partial<ProviderRow>]>([
    ['amount', { amount: 999n }],
    ['currency', { currency: 'XAF' }],
    ['recipient', { recipient: '770000000' }],
    ['partner', { partner: '780000000' }],
  ])('a row with another %s: a review of the mismatch, whatever its status', (_, other) => {
    for (const status of ['success', 'failed', 'in_flight', 'unmapped'] as const) {
      const rows = [row('t0', 'success'), row('t1', status, other)];
      expect(judgeRows(rows, SENT)).toMatchObject({
        verdict: 'review',
        item: 'mismatch',
        row: { providerReference: 't1' },
      });
    }
  });

  test('rows of other references, or of none, say nothing', () => {
    const others = [
      row('t0', 'success', { reference: 'sub_2' }),
      row('t1', 'success', { reference: null, amount: 1n }),
    ];
    expect(judgeRows(others, SENT)).toEqual({ verdict: 'absent' });
    expect(judgeRows([...others, row('t2', 'failed')], SENT)).toMatchObject({
      verdict: 'rejected',
      row: { providerReference: 't2' },
    });
  });
});
