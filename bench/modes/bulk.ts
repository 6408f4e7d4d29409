import { addMerchant } from '../add-merchant';
import { createBulkCauri } from '../contenders/bulk-cauri';
import type { BulkContender } from '../contenders/bulk-contender';
import { createFloor } from '../contenders/floor';
import { measureBulkRound, QUIET_MS } from '../measure/bulk-round';
import type { BulkRoundFigures } from '../measure/bulk-round';
import { median } from '../measure/median';
import type { StatementCount } from '../measure/statements';
import type { Mode } from '../mode';
import { configureAccount } from '../simulator-control';
import { askedFor } from '../options';
import { table } from '../table';
import { openWorkbench } from '../workbench';

/**
 * Of the provider, and the gap from a call to the first look at its result and from one look to the next, of all that
 * carry lines one by one: each line is asked for about twice.
 */
const SETTLEMENT_DELAY_MS = 2_500;
const GAP_MS = 1_500;

/** From one search of a batch to the next. */
const SEARCH_GAP_MS = 500;

/** History events that a line may cost. */
const MOST_EVENTS = 0.05;

/** The simulator's own retailer, that the floor pays from. */
const FLOOR_ACCOUNT = '781234567';
const FLOOR_FLOAT = 100_000_000_000;

/** Lines per second from the first byte of the upload to the last webhook, beside the same work without durability. */
export const bulk: Mode = {
  payouts: 20_000,
  rounds: 1,
  async run(options) {
    const { payouts: lines, rounds, only, print } = options;
    const { world, core, client, versions, api } = await openWorkbench(options, {
      settlementDelayMs: SETTLEMENT_DELAY_MS,
      variables: { POLL_FIRST_MS: String(GAP_MS) },
    });
    // The floor tells of the end of each line; nothing but the end of the whole is told beside.
    const { key } = await addMerchant(core, world, {
      number: 1,
      events: ['payout.succeeded', 'payout.failed', 'bulk.completed'],
    });
    await configureAccount(world, { msisdn: FLOOR_ACCOUNT, float: FLOOR_FLOAT });

    let index = 0;
    const takeIndexes = (count: number): number => (index += count) - count;
    const floor = createFloor({
      program: await world.startBench('floor/server.ts', { WEBHOOK_SECRET: world.keys.webhookSecret }),
      ...{ takeIndexes, print },
      gapMs: { lines: GAP_MS, native: SEARCH_GAP_MS },
      mostTryLines: lines,
    });
    const cauri = { api, key, takeIndexes, quietMs: QUIET_MS };
    const makers: Readonly<Record<string, (name: string) => Promise<BulkContender>>> = {
      floor: (name) =>
        floor.contender(
          { name, kind: 'lines', keepsBlock: false },
          'a plain loop: PIN encrypted, sent, asked for, told',
        ),
      lines: () => Promise.resolve(createBulkCauri(world, { ...cauri, path: 'lines' })),
      'floor-native': (name) =>
        floor.contender({ name, kind: 'native', keepsBlock: false }, 'a plain loop of the provider’s own bulk calls'),
      native: () => Promise.resolve(createBulkCauri(world, { ...cauri, path: 'native' })),
      'floor-kept': (name) =>
        floor.contender(
          { name, kind: 'lines', keepsBlock: true },
          'as floor, with one PIN block for all lines, as the product’s per-line path',
        ),
    };
    const contenders: BulkContender[] = [];
    const asked = askedFor(only, Object.keys(makers));
    for (const [name, make] of Object.entries(makers)) if (asked.includes(name)) contenders.push(await make(name));

    const figures = new Map<string, BulkRoundFigures[]>(contenders.map(({ name }) => [name, []]));
    for (let round = 1; round <= rounds; round += 1) {
      for (const contender of round % 2 === 1 ? contenders : contenders.toReversed()) {
        const found = await measureBulkRound(contender, { world, client, lines });
        figures.get(contender.name)?.push(found);
        const rate = found.linesPerSecond.toFixed(1).padStart(6);
        print(`round ${round}: ${contender.name.padEnd(12)} ${rate} lines per second, ${found.seconds.toFixed(1)} s`);
      }
    }

    const medians = Object.fromEntries([...figures].map(([name, all]) => [name, mediansOf(all)]));
    report(contenders, medians, print);
    for (const name of ['lines', 'native']) {
      const top = figures.get(name)?.at(-1)?.top;
      if (top) reportStatements(name, top, lines, print);
    }
    const share = (name: string, of: string): number =>
      (medians[name]?.linesPerSecond ?? NaN) / (medians[of]?.linesPerSecond ?? NaN);
    const ratios = {
      per_line_floor: share('lines', 'floor'),
      native_floor: share('native', 'floor'),
      events_per_line: Math.max(...['lines', 'native'].map((name) => medians[name]?.events ?? 0)),
    };
    print(
      `\nlines: ${percent(ratios.per_line_floor)} of floor, ${percent(share('lines', 'floor-kept'))} of floor-kept`,
    );
    print(
      `native: ${percent(ratios.native_floor)} of floor, ${percent(share('native', 'floor-native'))} of floor-native`,
    );
    const violation = ratios.events_per_line > MOST_EVENTS ? `${ratios.events_per_line} history events per line` : null;
    return { versions, figures: medians, ratios, violation };
  },
};

type Medians = Omit<BulkRoundFigures, 'top'> & { rates: number[] };

function mediansOf(rounds: readonly BulkRoundFigures[]): Medians {
  const of = (pick: (round: BulkRoundFigures) => number): number => round4(median(rounds.map(pick)));
  const processes = Object.keys(rounds[0]?.cpuSeconds ?? {});
  return {
    linesPerSecond: of((round) => round.linesPerSecond),
    rates: rounds.map((round) => round4(round.linesPerSecond)),
    seconds: of((round) => round.seconds),
    events: of((round) => round.events),
    statements: of((round) => round.statements),
    commits: of((round) => round.commits),
    walBytes: of((round) => round.walBytes),
    providerCalls: of((round) => round.providerCalls),
    statusCalls: of((round) => round.statusCalls),
    bulkCalls: of((round) => round.bulkCalls),
    cpuSeconds: Object.fromEntries(processes.map((name) => [name, of((round) => round.cpuSeconds[name] ?? 0)])),
  };
}

function report(
  contenders: readonly BulkContender[],
  medians: Readonly<Record<string, Medians>>,
  print: (line: string) => void,
): void {
  print('');
  for (const { name, what } of contenders) print(`${name.padEnd(12)}  ${what}`);
  const of = (label: string, pick: (figures: Medians) => string): string[] => [
    label,
    ...contenders.map(({ name }) => (medians[name] ? pick(medians[name]) : '')),
  ];
  const processes = [...new Set(Object.values(medians).flatMap(({ cpuSeconds }) => Object.keys(cpuSeconds)))];
  const cpu = (figures: Medians): number => Object.values(figures.cpuSeconds).reduce((sum, value) => sum + value, 0);
  print('\nmedians of the rounds, per line; from the first byte of the upload to the last webhook');
  const rows = [
    ['', ...contenders.map(({ name }) => name)],
    of('lines per second', ({ linesPerSecond }) => linesPerSecond.toFixed(1)),
    of('history events', ({ events }) => events.toFixed(4)),
    of('provider calls', ({ providerCalls }) => providerCalls.toFixed(2)),
    of('  status calls', ({ statusCalls }) => statusCalls.toFixed(2)),
    of('  bulk calls, in all', ({ bulkCalls }) => String(bulkCalls)),
    of('SQL statements', ({ statements }) => statements.toFixed(2)),
    of('  commits', ({ commits }) => commits.toFixed(2)),
    of('WAL, KB', ({ walBytes }) => (walBytes / 1024).toFixed(1)),
    of('CPU, s per 1,000 lines', (figures) => cpu(figures).toFixed(2)),
    ...processes.map((name) => of(`  ${name}`, ({ cpuSeconds }) => cpuSeconds[name]?.toFixed(2) ?? '')),
  ];
  for (const line of table(rows)) print(line);
}

/** The statements that take the most time: of a bulk it is not how often that counts. */
function reportStatements(
  name: string,
  top: readonly StatementCount[],
  lines: number,
  print: (line: string) => void,
): void {
  print(`\nstatements of ${name} by their time (ms per line, calls in all, ms each)`);
  for (const { text, calls, totalMs } of top.toSorted((one, other) => other.totalMs - one.totalMs).slice(0, 12)) {
    const figures = [(totalMs / lines).toFixed(3), String(calls), (totalMs / calls).toFixed(2)];
    print(`${figures.map((figure) => figure.padStart(8)).join('')}  ${text.slice(0, 100)}`);
  }
}

function round4(value: number): number {
  return Number(value.toPrecision(4));
}

function percent(share: number): string {
  return Number.isNaN(share) ? '–' : `${(share * 100).toFixed(0)} %`;
}
