/**
 * Lets so many pieces of work of one name go on at once; the others wait for their turn, first come, first served. Names do
 * not wait for each other.
 */
export function createTurns(most: number): <T>(name: string, work: () => Promise<T>) => Promise<T> {
  const rows = new Map<string, { running: number; waiting: (() => void)[] }>();
  return async (name, work) => {
    const row = rows.get(name) ?? { running: 0, waiting: [] };
    rows.set(name, row);
    if (row.running < most) row.running += 1;
    else await new Promise<void>((resolve) => row.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = row.waiting.shift();
      if (next) next();
      else row.running -= 1;
      if (row.running === 0) rows.delete(name);
    }
  };
}
