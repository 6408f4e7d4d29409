import type { Client } from '@temporalio/client';

import type { Contender } from '../contenders/contender';
import { inFlight } from '../in-flight';
import type { World } from '../world';
import { readCpuSeconds } from './cpu';
import { untilAllClosed } from './histories';
import { readSimulator } from './simulator';
import { watchDatabase } from './statements';
import type { StatementCount } from './statements';

/** What one contender did in one round; all but the rate and the top statements is per payout. */
export interface RoundFigures {
  payoutsPerSecond: number;
  /** Milliseconds of CPU by process, from the first start until all runs are closed. */
  cpuMs: Readonly<Record<string, number>>;
  statements: number;
  commits: number;
  walBytes: number;
  providerCalls: number;
  statusCalls: number;
  top: readonly StatementCount[];
  workflowIds: readonly string[];
}

export interface RoundOptions {
  world: World;
  client: Client;
  pids: Readonly<Record<string, number>>;
  payouts: number;
  limit: number;
}

/**
 * Measures from the first start to the last webhook, with at most `limit` payouts under way.
 * @throws Error when the simulator did not move money exactly once for each payout.
 */
export async function measureRound(contender: Contender, options: RoundOptions): Promise<RoundFigures> {
  const { world, client, pids, payouts } = options;
  const simulatorBefore = await readSimulator(world.simulatorUrl);
  const database = await watchDatabase(world.admin, 'cauri');
  const cpuBefore = readCpuSeconds(pids);
  const workflowIds: string[] = [];
  const startedAt = performance.now();
  try {
    await inFlight(payouts, options.limit, async () => void workflowIds.push(await contender.pay()));
  } catch (error) {
    const standing = await world.query(
      "select state, reason, count(*)::int from payouts where state <> 'succeeded' group by 1, 2",
    );
    throw new Error(`${contender.name} did not end; payouts not succeeded: ${JSON.stringify(standing)}`, {
      cause: error,
    });
  }
  const seconds = (performance.now() - startedAt) / 1_000;

  await untilAllClosed(client);
  const cpu = Object.entries(readCpuSeconds(pids)).map(([name, after]) => [
    name,
    ((after - (cpuBefore[name] ?? 0)) * 1_000) / payouts,
  ]);
  const work = await database.end();
  const simulator = await readSimulator(world.simulatorUrl);
  const credits = simulator.credits - simulatorBefore.credits;
  if (credits !== payouts) throw new Error(`${contender.name}: ${payouts} payouts, but ${credits} movements of money`);
  return {
    payoutsPerSecond: payouts / seconds,
    cpuMs: Object.fromEntries(cpu) as Record<string, number>,
    statements: work.statements / payouts,
    commits: work.commits / payouts,
    walBytes: work.walBytes / payouts,
    providerCalls: (simulator.requests - simulatorBefore.requests) / payouts,
    statusCalls: (simulator.statusCalls - simulatorBefore.statusCalls) / payouts,
    top: work.top,
    workflowIds,
  };
}
