/**
 * Reads once for all who ask for the same while a read is under way. What somebody gets was read after they asked: who
 * comes during a read waits for the next one, together with all others who do.
 */
export function shareReads<T>(read: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const running = new Map<string, Promise<unknown>>();
  const next = new Map<string, Promise<T>>();

  function start(key: string): Promise<T> {
    const result = read(key);
    const over = result.then(
      () => undefined,
      () => undefined,
    );
    running.set(key, over);
    void over.then(() => {
      if (running.get(key) === over) running.delete(key);
    });
    return result;
  }

  return (key) => {
    const before = running.get(key);
    if (!before) return start(key);
    const planned = next.get(key);
    if (planned) return planned;
    const promise = before.then(() => {
      next.delete(key);
      return start(key);
    });
    next.set(key, promise);
    return promise;
  };
}
