import { loadConfig } from '../../src/config';
import { createTemporalClient } from '../../src/temporal/connect';
import { createDataConverter } from '../../src/temporal/data-converter';
import { loadMasterKeys } from '../../src/vault/master-keys';
import { createBaselines } from '../contenders/baselines';
import { createCauri } from '../contenders/cauri';
import type { Contender } from '../contenders/contender';
import { eventsPerWorkflow } from '../measure/histories';
import { median } from '../measure/median';
import { measureRound } from '../measure/round';
import type { RoundFigures } from '../measure/round';
import type { StatementCount } from '../measure/statements';
import { readVersions } from '../measure/versions';
import type { Mode } from '../mode';
import { askedFor } from '../options';
import { table } from '../table';
import { createWorld } from '../world';

/** Payouts under way at once. */
const LIMIT = 100;

/** Of the provider, and the gap of all contenders' status calls: each payout is asked for about twice. */
const SETTLEMENT_DELAY_MS = 1_500;

const PATIENCE_MS = 120_000;

/** Payouts per second through the whole system, beside a bare and a naive workflow on the same servers. */
export const single: Mode = {
  // So many that filling and draining the hundred under way weighs little: with 300 the slowest look fast.
  payouts: 1_000,
  rounds: 3,
  async run({ payouts, rounds, only, closers, print, ...options }) {
    const world = await createWorld({
      settlementDelayMs: SETTLEMENT_DELAY_MS,
      variables: { POLL_FIRST_MS: String(SETTLEMENT_DELAY_MS), MAX_STARTS_IN_FLIGHT: String(LIMIT) },
      closers,
      report: print,
      ...options,
    });
    const versions = await readVersions(world);
    print(
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    );
    const config = loadConfig(world.environment);
    const client = createTemporalClient(config, createDataConverter(await loadMasterKeys(config)));
    closers.add(() => client.connection.close());
    // The baselines tell of the end only, so that the product's merchant asks for no more.
    await world.query("update webhook_endpoints set events = '{payout.succeeded,payout.failed}'");
    const [api, worker, baseline] = [
      await world.startProduct('api'),
      await world.startProduct('worker'),
      await world.startBench('baseline/worker.ts', { WEBHOOK_SECRET: world.keys.webhookSecret }),
    ];
    const pids = { ...world.pids, api: api.pid, worker: worker.pid, baseline: baseline.pid, bench: process.pid };
    let index = 0;
    const common = { nextIndex: () => index++, patienceMs: PATIENCE_MS };
    const known = [
      createCauri(world, { ...common, apiUrl: api.url, connections: LIMIT }),
      ...createBaselines(world, { ...common, client }),
    ];
    const asked = askedFor(only, known.map(nameOf));
    const contenders = known.filter(({ name }) => asked.includes(name));

    const figures = new Map<string, RoundFigures[]>(contenders.map(({ name }) => [name, []]));
    for (let round = 0; round <= rounds; round += 1) {
      for (const contender of rotated(contenders, round)) {
        // The first round warms up and is not counted.
        const count = round === 0 ? Math.min(LIMIT, payouts) : payouts;
        const found = await measureRound(contender, { world, client, pids, payouts: count, limit: LIMIT });
        if (round > 0) figures.get(contender.name)?.push(found);
        const label = round === 0 ? 'warm-up' : `round ${round}`;
        print(`${label}: ${contender.name.padEnd(5)} ${found.payoutsPerSecond.toFixed(1).padStart(6)} per second`);
      }
    }

    const events: Record<string, number> = {};
    for (const [name, all] of figures) events[name] = await eventsPerWorkflow(client, all.at(-1)?.workflowIds ?? []);
    const medians = Object.fromEntries(
      [...figures].map(([name, all]) => [name, { events: events[name] ?? 0, ...mediansOf(all) }]),
    );
    report(contenders, medians, figures.get('cauri')?.at(-1)?.top ?? [], payouts, print);
    const ratios: Record<string, number> = {};
    const ours = medians['cauri'];
    for (const [name, baseline] of Object.entries(medians)) {
      if (!ours || name === 'cauri') continue;
      ratios[name] = ours.payoutsPerSecond / baseline.payoutsPerSecond;
      print(`\ncauri is ${ratios[name].toFixed(2)} times ${name}`);
    }
    return { versions, figures: medians, ratios };
  },
};

const nameOf = ({ name }: Contender): string => name;

type Medians = Omit<RoundFigures, 'top' | 'workflowIds'> & { rates: number[] };

function mediansOf(rounds: readonly RoundFigures[]): Medians {
  const of = (pick: (round: RoundFigures) => number): number => round3(median(rounds.map(pick)));
  const processes = Object.keys(rounds[0]?.cpuMs ?? {});
  return {
    payoutsPerSecond: of((round) => round.payoutsPerSecond),
    rates: rounds.map((round) => round3(round.payoutsPerSecond)),
    cpuMs: Object.fromEntries(processes.map((name) => [name, of((round) => round.cpuMs[name] ?? 0)])),
    statements: of((round) => round.statements),
    commits: of((round) => round.commits),
    walBytes: of((round) => round.walBytes),
    providerCalls: of((round) => round.providerCalls),
    statusCalls: of((round) => round.statusCalls),
  };
}

function report(
  contenders: readonly Contender[],
  medians: Readonly<Record<string, Medians & { events: number }>>,
  top: readonly StatementCount[],
  payouts: number,
  print: (line: string) => void,
): void {
  print('');
  for (const { name, what } of contenders) print(`${name.padEnd(5)}  ${what}`);
  const of = (label: string, pick: (figures: Medians & { events: number }) => string): string[] => [
    label,
    ...contenders.map(({ name }) => (medians[name] ? pick(medians[name]) : '')),
  ];
  const processes = Object.keys(Object.values(medians)[0]?.cpuMs ?? {});
  const cpu = (figures: Medians): number => Object.values(figures.cpuMs).reduce((sum, value) => sum + value, 0);
  print('\nmedians of the rounds, per payout');
  const rows = [
    ['', ...contenders.map(({ name }) => name)],
    of('payouts per second', ({ payoutsPerSecond }) => payoutsPerSecond.toFixed(1)),
    of('events per workflow', ({ events }) => String(events)),
    of('provider calls', ({ providerCalls }) => providerCalls.toFixed(2)),
    of('  status calls', ({ statusCalls }) => statusCalls.toFixed(2)),
    of('SQL statements', ({ statements }) => statements.toFixed(1)),
    of('  commits', ({ commits }) => commits.toFixed(1)),
    of('WAL, KB', ({ walBytes }) => (walBytes / 1024).toFixed(1)),
    of('CPU, ms', (figures) => cpu(figures).toFixed(0)),
    ...processes.map((name) => of(`  ${name}`, ({ cpuMs }) => (cpuMs[name] ?? 0).toFixed(1))),
  ];
  for (const line of table(rows)) print(line);
  print('\nstatements of cauri by how often (calls per payout, ms each)');
  for (const { text, calls, totalMs } of top.filter((one) => one.calls >= payouts / 2)) {
    print(
      `${(calls / payouts).toFixed(2).padStart(6)} ${(totalMs / calls).toFixed(2).padStart(7)}  ${text.slice(0, 100)}`,
    );
  }
}

/** Each round begins with another one. */
function rotated<T>(items: readonly T[], by: number): T[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

function round3(value: number): number {
  return Number(value.toPrecision(4));
}
