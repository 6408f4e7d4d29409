import { clearInterval, setInterval } from 'node:timers';

/** Silence of a step that goes on longer than this would look like a hang. */
const PROGRESS_INTERVAL_MS = 5_000;

/** Runs one step of the set-up: one line with its time at its end, and a sign of life while it lasts. */
export async function step(label, work) {
  const started = Date.now();
  const seconds = () => ((Date.now() - started) / 1000).toFixed(1).padStart(6);
  const timer = setInterval(() => console.log(`… ${label.padEnd(40)}${seconds()} s so far`), PROGRESS_INTERVAL_MS);
  try {
    const result = await work();
    console.log(`✓ ${label.padEnd(40)}${seconds()} s`);
    return result;
  } catch (error) {
    console.log(`✗ ${label.padEnd(40)}${seconds()} s`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}
