import type { Client } from '@temporalio/client';

import type { BulkContender } from '../contenders/bulk-contender';
import type { World } from '../world';
import { readCpuSeconds } from './cpu';
import { untilAllClosed } from './histories';
import { countEventsSince } from './history-events';
import { readSimulator } from './simulator';
import { watchDatabase } from './statements';
import type { StatementCount } from './statements';

/** What one contender did in one round; all but rate, seconds, bulk calls and top statements is per line. */
export interface BulkRoundFigures {
  linesPerSecond: number;
  seconds: number;
  /** Of all runs that were started for it. */
  events: number;
  statements: number;
  commits: number;
  walBytes: number;
  providerCalls: number;
  statusCalls: number;
  bulkCalls: number;
  /** Seconds of CPU per 1,000 lines by process, until all runs are closed. */
  cpuSeconds: Readonly<Record<string, number>>;
  top: readonly StatementCount[];
}

/** Milliseconds without any webhook after which a round is given up. */
export const QUIET_MS = 120_000;

/**
 * Measures from the first byte of the upload to the last webhook.
 * @throws Error when the simulator did not move money exactly once for each line.
 */
export async function measureBulkRound(
  contender: BulkContender,
  { world, client, lines }: { world: World; client: Client; lines: number },
): Promise<BulkRoundFigures> {
  const session = await contender.open();
  try {
    await untilAllClosed(client);
    const pids = { ...world.pids, ...session.pids, bench: process.pid };
    const simulatorBefore = await readSimulator(world.simulatorUrl);
    const database = await watchDatabase(world.admin, 'cauri');
    const cpuBefore = readCpuSeconds(pids);
    const since = new Date();
    const told = world.inbox.collect(session.events);
    const startedAt = performance.now();
    await Promise.all([session.run(lines), told.until(session.eventsOf(lines), QUIET_MS)]).catch(
      async (error: unknown) => {
        throw new Error(`${contender.name} did not end: ${await describeStanding(world)}`, { cause: error });
      },
    );
    const seconds = (performance.now() - startedAt) / 1_000;
    told.close();

    await untilAllClosed(client);
    const cpu = Object.entries(readCpuSeconds(pids)).map(([name, after]) => [
      name,
      ((after - (cpuBefore[name] ?? 0)) * 1_000) / lines,
    ]);
    const work = await database.end();
    const simulator = await readSimulator(world.simulatorUrl);
    const credits = simulator.credits - simulatorBefore.credits;
    if (credits !== lines) throw new Error(`${contender.name}: ${lines} lines, but ${credits} movements of money`);
    return {
      linesPerSecond: lines / seconds,
      seconds,
      events: (await countEventsSince(client, since)) / lines,
      statements: work.statements / lines,
      commits: work.commits / lines,
      walBytes: work.walBytes / lines,
      providerCalls: (simulator.requests - simulatorBefore.requests) / lines,
      statusCalls: (simulator.statusCalls - simulatorBefore.statusCalls) / lines,
      bulkCalls: simulator.bulkCalls - simulatorBefore.bulkCalls,
      cpuSeconds: Object.fromEntries(cpu) as Record<string, number>,
      top: work.top,
    };
  } finally {
    await session.close();
  }
}

async function describeStanding(world: World): Promise<string> {
  const payouts = await world.query(
    "select state, reason, count(*)::int from payouts where state <> 'succeeded' group by 1, 2",
  );
  const bulks = await world.query('select id, state, reason from bulks order by received_at desc limit 1');
  return JSON.stringify({ payouts, bulks });
}
