/** At most so many at once; what belongs to something begun goes before what is new. */
export interface Slots {
  run<T>(turn: 'new' | 'begun', work: () => Promise<T>): Promise<T>;
}

export function createSlots(limit: number): Slots {
  const waiting = { begun: createQueue(), new: createQueue() };
  let free = limit;
  return {
    async run(turn, work) {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting[turn].add(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.begun.take() ?? waiting.new.take();
        if (next) next();
        else free += 1;
      }
    },
  };
}

interface Queue {
  add(item: () => void): void;
  take(): (() => void) | undefined;
}

/** First in, first out; an array's `shift` would move all others. */
function createQueue(): Queue {
  let items: (() => void)[] = [];
  let first = 0;
  return {
    add: (item) => void items.push(item),
    take() {
      const item = items[first];
      if (item === undefined) return undefined;
      first += 1;
      if (first > 1_000) {
        items = items.slice(first);
        first = 0;
      }
      return item;
    },
  };
}
