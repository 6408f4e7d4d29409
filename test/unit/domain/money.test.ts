import fc from 'fast-check';

import { MAX_AMOUNT, parseAmount, serializeAmount } from '../../../src/domain/money';
import type { AmountProblem } from '../../../src/domain/money';

describe('an amount on the wire', () => {
  test.each<[unknown, bigint]>([
    [1, 1n],
    [2_500, 2_500n],
    [1_000, 1_000n],
    ['1', 1n],
    ['2500', 2_500n],
    ['007', 7n],
    [1_000_000_000_000, MAX_AMOUNT],
    ['1000000000000', MAX_AMOUNT],
  ])('%j is %s minor units', (wire, amount) => {
    expect(parseAmount(wire)).toEqual({ ok: true, amount });
  });

  test.each<[unknown, AmountProblem]>([
    [10.5, 'not_an_integer'],
    [Number.NaN, 'not_an_integer'],
    [Number.POSITIVE_INFINITY, 'not_an_integer'],
    ['10.5', 'not_an_integer'],
    ['10,5', 'not_an_integer'],
    ['1 000', 'not_an_integer'],
    ['1e3', 'not_an_integer'],
    ['0x10', 'not_an_integer'],
    ['+5', 'not_an_integer'],
    [' 5', 'not_an_integer'],
    ['5\n', 'not_an_integer'],
    ['', 'not_an_integer'],
    ['٥', 'not_an_integer'],
    ['1'.repeat(31), 'not_an_integer'],
    [null, 'not_an_integer'],
    [undefined, 'not_an_integer'],
    [true, 'not_an_integer'],
    [5n, 'not_an_integer'],
    [[5], 'not_an_integer'],
    [{ value: 5 }, 'not_an_integer'],
    [0, 'not_positive'],
    [-0, 'not_positive'],
    [-1, 'not_positive'],
    ['0', 'not_positive'],
    ['-1', 'not_positive'],
    ['-10000000000000', 'not_positive'],
    [1_000_000_000_001, 'too_large'],
    ['1000000000001', 'too_large'],
    ['9'.repeat(30), 'too_large'],
    [Number.MAX_SAFE_INTEGER, 'too_large'],
    [2 ** 53, 'too_large'],
    [1e21, 'too_large'],
  ])('%p is refused as %s', (wire, problem) => {
    expect(parseAmount(wire)).toEqual({ ok: false, problem });
  });

  test('whatever is accepted comes back unchanged from its wire form', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: MAX_AMOUNT }), (amount) => {
        expect(parseAmount(serializeAmount(amount))).toEqual({ ok: true, amount });
        expect(parseAmount(Number(amount))).toEqual({ ok: true, amount });
      }),
    );
  });

  test('nothing that is no integer of the range is ever accepted', () => {
    fc.assert(
      fc.property(fc.anything(), (wire) => {
        const parsed = parseAmount(wire);
        if (!parsed.ok) return;
        expect(parsed.amount > 0n && parsed.amount <= MAX_AMOUNT).toBe(true);
        expect(parsed.amount).toBe(BigInt(wire as string | number));
      }),
    );
  });
});
