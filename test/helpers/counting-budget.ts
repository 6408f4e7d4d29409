import type { RequestBudget } from '../../src/activities/request-budget';

/** A budget without an end that says how many requests were taken from it. */
export function createCountingBudget(): RequestBudget & { spent(): number } {
  let spent = 0;
  const budget: RequestBudget = {
    spend: () => Promise.resolve(void (spent += 1)),
    spendSome(_, want) {
      spent += want;
      return Promise.resolve(want);
    },
    get yielding() {
      return budget;
    },
    get late() {
      return budget;
    },
  };
  return Object.assign(budget, { spent: () => spent });
}
