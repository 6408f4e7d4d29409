/** What was started, closed in reverse order: also when the start of the next part fails, or a signal comes; one that fails keeps none of the others. */
export interface Closers {
  add(close: () => Promise<unknown>): void;
  closeAll(): Promise<void>;
}

export function createClosers(): Closers {
  const closers: (() => Promise<unknown>)[] = [];
  return {
    add: (close) => void closers.push(close),
    async closeAll() {
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close().catch(() => undefined);
    },
  };
}
