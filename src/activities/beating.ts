import { heartbeat } from '@temporalio/activity';

/** How often an activity shows that its worker is alive; a killed one is then noticed within the heartbeat time-out. */
const BEAT_MS = 6_000;

/** Sends heartbeats until the work is done, whatever it waits for. A short one sends none: each is a call to the engine. */
export async function whileBeating<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => heartbeat(), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
