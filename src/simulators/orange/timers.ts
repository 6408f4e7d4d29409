export interface Timers {
  /** Runs `act` after the delay unless closed before. Never keeps the process alive by itself. */
  after(ms: number, act: () => void): void;
  /** Never settles once closed: whoever waits is abandoned with the server. */
  sleep(ms: number): Promise<void>;
  close(): void;
}

export function createTimers(): Timers {
  const running = new Set<NodeJS.Timeout>();
  let closed = false;

  function after(ms: number, act: () => void): void {
    if (closed) return;
    const timer = setTimeout(() => {
      running.delete(timer);
      act();
    }, ms);
    timer.unref();
    running.add(timer);
  }

  return {
    after,
    sleep: (ms) => new Promise((resolve) => after(ms, resolve)),
    close: () => {
      closed = true;
      for (const timer of running) clearTimeout(timer);
      running.clear();
    },
  };
}
