/** Silence of a step that goes on longer than this would look like a hang. */
const PROGRESS_INTERVAL_MS = 5_000;

export type Print = (line: string) => void;

/** Runs steps, each with one line and its time at its end, and a sign of life while it lasts. */
export type Step = <Result>(label: string, work: () => Promise<Result>) => Promise<Result>;

export function createStep(print: Print): Step {
  return async (label, work) => {
    const startedAt = Date.now();
    const line = (mark: string): string => {
      const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
      return `${mark} ${label.padEnd(72)} ${seconds.padStart(6)} s`;
    };
    const timer = setInterval(() => print(`${line('…')} so far`), PROGRESS_INTERVAL_MS);
    try {
      const result = await work();
      print(line('✓'));
      return result;
    } catch (error) {
      print(line('✗'));
      throw error;
    } finally {
      clearInterval(timer);
    }
  };
}
