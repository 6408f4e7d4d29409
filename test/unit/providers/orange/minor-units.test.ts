import { toMinorUnits } from '../../../../src/providers/orange/minor-units';

it.each([
  [10, 10n],
  [10.0, 10n],
  ['10', 10n],
  ['10.0', 10n],
  [0, 0n],
  [Number.MAX_SAFE_INTEGER, BigInt(Number.MAX_SAFE_INTEGER)],
])('reads %p', (value, amount) => {
  expect(toMinorUnits(value)).toBe(amount);
});

it.each([10.5, -10, Number.MAX_SAFE_INTEGER + 1, NaN, '10.5', '-10', '', '1e3', '10,0', '9'.repeat(19)])(
  'gives -1 for %p, which equals nothing that was sent',
  (value) => {
    expect(toMinorUnits(value)).toBe(-1n);
  },
);
