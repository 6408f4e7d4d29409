import { bringAboutMissing } from '../../../src/prove/missing-faults';

type Rates = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** What the simulator's configuration says of faults. */
interface Faults {
  endpointFaults: Rates;
  callbacks: Rates;
  bulk: Rates;
}

/** A provider at which orders meet the faults that are certain, and each of them the next one that is planned for batches. */
function provider(happened: Record<string, number>, batches: string[] = []) {
  let faults: Faults = { endpointFaults: {}, callbacks: {}, bulk: {} };
  const orders: number[] = [];
  const happens = (sort: string, rates: Readonly<Record<string, number>> = {}): void => {
    for (const kind of Object.keys(rates)) happened[`${sort} ${kind}`] = (happened[`${sort} ${kind}`] ?? 0) + 1;
  };
  return {
    orders,
    deps: {
      orders: {
        sendMore(round: number) {
          orders.push(round);
          happens('endpoint', faults.endpointFaults['status']);
          happens('callback', faults.bulk['callbackFaults']);
          const batch = batches.shift();
          if (batch !== undefined) happens('batch', { [batch]: 1 });
          return Promise.resolve();
        },
      },
      provider: {
        post(_path: string, body?: unknown) {
          faults = body as Faults;
          return Promise.resolve();
        },
      },
      count: () => Promise.resolve(happened),
    },
  };
}

describe('what chance has left out', () => {
  test('happens to one more order each, those of several sorts at once', async () => {
    const happened = { 'endpoint lost': 0, 'endpoint malformed': 0, 'callback forged': 0, 'batch bulk_dropped': 0 };
    const { deps, orders } = provider(happened, ['bulk_dropped']);
    await bringAboutMissing(deps);
    expect(Object.values(happened)).toEqual([1, 1, 1, 1]);
    expect(orders).toEqual([1, 2]);
  });

  test('is nothing where all has happened, and then nothing is ordered', async () => {
    const { deps, orders } = provider({ 'endpoint lost': 1, 'callback late': 7, 'webhook silent': 0 });
    await bringAboutMissing(deps);
    expect(orders).toEqual([]);
  });
});
