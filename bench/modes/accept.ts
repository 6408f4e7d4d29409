import { setTimeout as delay } from 'node:timers/promises';

import type { Client } from '@temporalio/client';

import { loadConfig } from '../../src/config';
import type { Config } from '../../src/config';
import { createCore, createRuns } from '../../src/deps';
import { createSweeper } from '../../src/sweeper/sweeper';
import { createTemporalClient } from '../../src/temporal/connect';
import { createDataConverter } from '../../src/temporal/data-converter';
import { loadMasterKeys } from '../../src/vault/master-keys';
import { PAYOUT_WORKFLOW } from '../../src/workflows/contract';
import { inFlight } from '../in-flight';
import { createMerchant, payoutRequest } from '../merchant';
import { readCpuSeconds } from '../measure/cpu';
import { median, percentile } from '../measure/median';
import { watchDatabase } from '../measure/statements';
import { readVersions } from '../measure/versions';
import type { Mode } from '../mode';
import { table } from '../table';
import { createWorld } from '../world';
import type { World } from '../world';

/** Connections that the client keeps, each with one request at a time. */
const CONNECTIONS = 32;

/** Long enough for the sweeper to start what the API left to it. */
const STARTED_WITHIN_MS = 120_000;

interface Acceptor {
  name: string;
  what: string;
  database: string;
  send: (body: object) => Promise<string>;
}

interface RoundFigures {
  acceptedPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  statements: number;
  commits: number;
  cpuMs: Readonly<Record<string, number>>;
}

/** 202s per second, beside a bare Express route with one INSERT; at the end every accepted payout has its run. */
export const accept: Mode = {
  payouts: 1_000,
  rounds: 3,
  async run({ payouts, rounds, closers, print, ...options }) {
    const world = await createWorld({ settlementDelayMs: 0, variables: {}, closers, report: print, ...options });
    const versions = await readVersions(world);
    print(
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    );
    const config = loadConfig(world.environment);
    const client = createTemporalClient(config, createDataConverter(await loadMasterKeys(config)));
    closers.add(() => client.connection.close());
    await world.admin.query('create database baseline');
    const insertUrl = Object.assign(new URL(world.databaseUrl), { pathname: '/baseline' }).href;
    const api = await world.startProduct('api');
    const bare = await world.startBench('baseline/insert-server.ts', {
      INSERT_DATABASE_URL: insertUrl,
      DATABASE_POOL_SIZE: String(config.DATABASE_POOL_SIZE),
    });
    const merchantOf = (url: string): Acceptor['send'] =>
      createMerchant({ apiUrl: url, key: world.keys.merchantKey, connections: CONNECTIONS }).send;
    const acceptors: readonly Acceptor[] = [
      {
        name: 'accept',
        what: 'POST /v1/payouts: durable, held, run started',
        database: 'cauri',
        send: merchantOf(api.url),
      },
      { name: 'insert', what: 'Express route with one INSERT', database: 'baseline', send: merchantOf(bare.url) },
    ];
    const pids = { ...world.pids, api: api.pid, insert: bare.pid, bench: process.pid };

    const figures = new Map<string, RoundFigures[]>(acceptors.map(({ name }) => [name, []]));
    let accepted = 0;
    for (let round = 0; round <= rounds; round += 1) {
      for (const acceptor of round % 2 === 0 ? acceptors : acceptors.toReversed()) {
        const count = round === 0 ? Math.ceil(payouts / 4) : payouts;
        await untilNothingStarts(client);
        const found = await measureRound(acceptor, { world, pids, count, firstIndex: accepted });
        if (acceptor.name === 'accept') accepted += count;
        if (round > 0) figures.get(acceptor.name)?.push(found);
        const label = round === 0 ? 'warm-up' : `round ${round}`;
        print(`${label}: ${acceptor.name} ${found.acceptedPerSecond.toFixed(0).padStart(6)} per second`);
      }
    }

    const startedByApi = await countRuns(client);
    const started = await startTheRest(config, client, accepted);
    const medians = Object.fromEntries([...figures].map(([name, all]) => [name, mediansOf(all)]));
    report(acceptors, medians, print);
    print(`\naccepted ${accepted}, started ${started}: ${startedByApi} by the API, the rest by the sweeper`);
    if (started < accepted) throw new Error(`${accepted - started} accepted payouts were not started`);
    const ratio = (medians['accept']?.acceptedPerSecond ?? NaN) / (medians['insert']?.acceptedPerSecond ?? NaN);
    print(`accept is ${(ratio * 100).toFixed(0)} % of insert`);
    return { versions, figures: { ...medians, accepted, started, startedByApi }, ratios: { insert: ratio } };
  },
};

async function measureRound(
  { database, send }: Acceptor,
  options: { world: World; pids: Readonly<Record<string, number>>; count: number; firstIndex: number },
): Promise<RoundFigures> {
  const { world, pids, count } = options;
  const watch = await watchDatabase(world.admin, database);
  const cpuBefore = readCpuSeconds(pids);
  const times: number[] = [];
  const startedAt = performance.now();
  await inFlight(count, CONNECTIONS, async (index) => {
    const sentAt = performance.now();
    await send(payoutRequest(options.firstIndex + index).body);
    times.push(performance.now() - sentAt);
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpu = Object.entries(readCpuSeconds(pids));
  const work = await watch.end();
  return {
    acceptedPerSecond: count / seconds,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    statements: work.statements / count,
    commits: work.commits / count,
    cpuMs: Object.fromEntries(cpu.map(([name, after]) => [name, ((after - (cpuBefore[name] ?? 0)) * 1_000) / count])),
  };
}

/** What the API starts beside its answers is not to be the next one's burden. */
async function untilNothingStarts(client: Client): Promise<void> {
  for (let before = -1, now = await countRuns(client); now !== before; now = await countRuns(client)) {
    before = now;
    await delay(1_000);
  }
}

async function countRuns(client: Client): Promise<number> {
  return (await client.workflow.count(`WorkflowType = "${PAYOUT_WORKFLOW}"`)).count;
}

/** Lets the product's sweeper start what the API left to it; no worker runs, so that starting is all that is done. */
async function startTheRest(config: Config, client: Client, expected: number): Promise<number> {
  const core = await createCore(config, 'bench');
  const { pool, logger } = core;
  const sweeper = createSweeper({
    ...{ pool, logger, runs: createRuns(core) },
    claimCallbacks: () => Promise.resolve([]),
    claimWebhooks: () => Promise.resolve([]),
    everyMs: 500,
    recheckMs: config.SWEEP_RECHECK_MS,
  });
  try {
    const deadline = Date.now() + STARTED_WITHIN_MS;
    for (;;) {
      const started = await countRuns(client);
      if (started >= expected || Date.now() > deadline) return started;
      await delay(500);
    }
  } finally {
    await sweeper.close();
    await core.close();
  }
}

function mediansOf(rounds: readonly RoundFigures[]): RoundFigures {
  const of = (pick: (round: RoundFigures) => number): number => Number(median(rounds.map(pick)).toPrecision(4));
  const processes = Object.keys(rounds[0]?.cpuMs ?? {});
  return {
    acceptedPerSecond: of((round) => round.acceptedPerSecond),
    p50Ms: of((round) => round.p50Ms),
    p99Ms: of((round) => round.p99Ms),
    statements: of((round) => round.statements),
    commits: of((round) => round.commits),
    cpuMs: Object.fromEntries(processes.map((name) => [name, of((round) => round.cpuMs[name] ?? 0)])),
  };
}

function report(
  acceptors: readonly Acceptor[],
  medians: Readonly<Record<string, RoundFigures>>,
  print: (line: string) => void,
): void {
  print('');
  for (const { name, what } of acceptors) print(`${name}  ${what}`);
  const of = (label: string, pick: (figures: RoundFigures) => number, digits: number): string[] => [
    label,
    ...acceptors.map(({ name }) => (medians[name] ? pick(medians[name]).toFixed(digits) : '')),
  ];
  const processes = Object.keys(Object.values(medians)[0]?.cpuMs ?? {});
  print(`\nmedians of the rounds; ${CONNECTIONS} kept connections; no worker runs`);
  const rows = [
    ['', ...acceptors.map(({ name }) => name)],
    of('202 per second', ({ acceptedPerSecond }) => acceptedPerSecond, 0),
    of('p50, ms', ({ p50Ms }) => p50Ms, 1),
    of('p99, ms', ({ p99Ms }) => p99Ms, 1),
    of('SQL statements each', ({ statements }) => statements, 1),
    of('  commits', ({ commits }) => commits, 1),
    ...processes.map((name) => of(`CPU of ${name}, ms each`, ({ cpuMs }) => cpuMs[name] ?? 0, 2)),
  ];
  for (const line of table(rows)) print(line);
}
