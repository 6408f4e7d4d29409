import { MARKED_RECIPIENT, planAgain, planMore, planPayouts } from '../../../src/prove/plan';
import { FAULT_NAMES } from '../../../src/simulators/orange';

describe('the plan of a run', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(planPayouts({ payouts: 120, seed: 7 })).toEqual(planPayouts({ payouts: 120, seed: 7 }));
    expect(planPayouts({ payouts: 120, seed: 8 })).not.toEqual(planPayouts({ payouts: 120, seed: 7 }));
  });

  test.each([100, 300, 1_000])(
    'of %i payouts has every kind of fault once, none of them cancelled or scheduled',
    (payouts) => {
      const named = planPayouts({ payouts, seed: 1 }).filter(({ scenario }) => scenario !== null);
      expect(named.map(({ scenario }) => scenario).sort()).toEqual([...FAULT_NAMES].sort());
      expect(named.every(({ cancelAfterMs, scheduledInMs }) => cancelAfterMs === null && scheduledInMs === null)).toBe(
        true,
      );
    },
  );

  test.each([40, 60, 300, 1_000])(
    'of %i payouts gives each a recipient and an amount of its own, one of them marked',
    (payouts) => {
      const plan = planPayouts({ payouts, seed: 3 });
      const again = plan.filter(({ scenario }) => scenario !== null).map((one) => planAgain(one, payouts));
      const more = [1, 2, 100].map((number) => planMore({ payouts, seed: 3, number }));
      const all = [...plan, ...again, ...more];
      for (const own of ['recipient', 'amount', 'key'] as const) {
        expect(new Set(all.map((planned) => planned[own])).size).toBe(all.length);
      }
      expect(all.every(({ recipient }) => /^7\d{8}$/.test(recipient))).toBe(true);
      expect(
        plan.filter(({ recipient, scenario }) => recipient === MARKED_RECIPIENT && scenario === null),
      ).toHaveLength(1);
    },
  );
});
