import { setTimeout as sleep } from 'node:timers/promises';

import { addMerchant } from '../add-merchant';
import { createBulkClient } from '../bulk-client';
import type { BulkClient } from '../bulk-client';
import { createMerchant, payoutRequest } from '../merchant';
import { untilAllClosed } from '../measure/histories';
import { startTrickle } from '../measure/latencies';
import { percentile } from '../measure/median';
import type { Mode } from '../mode';
import { table } from '../table';
import { openWorkbench } from '../workbench';
import type { Program, World } from '../world';

/** Single payouts: so many at once, one each per second. */
const LANES = 4;
const EVERY_MS = 1_000;

/** Milliseconds that a measurement takes at most; it ends earlier where the bulk is almost done. */
const MOST_MS = 60_000;

/** The share of its lines up to which a bulk goes at its full rate. */
const MOST_DONE = 0.9;

/** Milliseconds from one look at the bulk to the next. */
const LOOK_EVERY_MS = 500;

/** Milliseconds that a bulk runs before it is measured. */
const RAMP_MS = 5_000;

const PATIENCE_MS = 120_000;

/** What is asked for: the p99 of single payouts beside a bulk over alone, and the rate of the bulk beside them over alone. */
const MOST_P99 = 2;
const LEAST_RATE = 0.7;

/** A bulk with less of it under way at once, where the product's own numbers do not do. */
const CURVE = [
  { BULK_CHUNKS_CALLING: '1' },
  { BULK_CHUNKS_AT_ONCE: '1' },
  { BULK_CHUNKS_AT_ONCE: '1', BULK_MICRO_BATCH: '16' },
] as const;

interface Side {
  /** Milliseconds from accept to final. */
  p50: number;
  p99: number;
  singles: number;
  /** Lines of the bulk per second; 0 without one. */
  linesPerSecond: number;
}

/**
 * Single payouts of one merchant while another's bulk runs, beside each of the two alone: a worker process for bulks, and
 * one for the rest. No settlement delay.
 */
export const fairness: Mode = {
  payouts: 100_000,
  rounds: 1,
  async run(options) {
    const { payouts: lines, print } = options;
    const { world, core, client, versions, api } = await openWorkbench(options, {
      settlementDelayMs: 0,
      variables: {},
    });
    const one = await addMerchant(core, world, { number: 1, events: ['payout.succeeded', 'payout.failed'] });
    const other = await addMerchant(core, world, { number: 2, events: [] });
    let index = 0;
    const single = createSingle(world, { apiUrl: api.url, key: one.key, nextIndex: () => index++ });
    const bulks = createBulkClient({ apiUrl: api.url, key: other.key });

    async function measure(what: { singles: boolean; bulk: boolean }): Promise<Side> {
      await untilAllClosed(client);
      const bulkId = what.bulk ? await startBulk() : null;
      const before = await doneLines(bulks, bulkId);
      const startedAt = performance.now();
      const trickle = what.singles ? startTrickle({ lanes: LANES, everyMs: EVERY_MS, work: single }) : null;
      const after = await untilAlmostDone(bulkId, startedAt + MOST_MS);
      const tookMs = performance.now() - startedAt;
      if (bulkId !== null) await endBulk(bulkId);
      const times = (await trickle?.end()) ?? [];
      return {
        p50: percentile(times, 0.5),
        p99: percentile(times, 0.99),
        singles: times.length,
        linesPerSecond: ((after - before) * 1_000) / tookMs,
      };
    }

    /** @returns the lines that are done then, or when the time is over. */
    async function untilAlmostDone(bulkId: string | null, until: number): Promise<number> {
      for (;;) {
        await sleep(LOOK_EVERY_MS);
        const done = await doneLines(bulks, bulkId);
        if (performance.now() >= until || done >= lines * MOST_DONE) return done;
      }
    }

    async function startBulk(): Promise<string> {
      const bulkId = await bulks.upload({ lines, firstIndex: index, notify: 'summary' });
      index += lines;
      await bulks.untilState(bulkId, 'running', PATIENCE_MS);
      await sleep(RAMP_MS);
      return bulkId;
    }

    /** It must have run all the time, or its rate says nothing. */
    async function endBulk(bulkId: string): Promise<void> {
      await bulks.cancel(bulkId).catch((cause: unknown) => {
        throw new Error('the bulk ended before the measurement did: give it more --items', { cause });
      });
      await bulks.untilState(bulkId, 'cancelled', PATIENCE_MS);
    }

    const startWorkers = async (settings: NodeJS.ProcessEnv): Promise<readonly Program[]> => [
      await world.startProduct('worker', { WORKER_SERVES: 'payouts', ...settings }),
      await world.startProduct('worker', { WORKER_SERVES: 'bulks', ...settings }),
    ];
    let workers = await startWorkers({});
    await warmUp({ single, bulks, takeIndexes: (count) => (index += count) - count });
    const show = (name: string, side: Side): void => {
      const latency = side.singles === 0 ? '' : `, p50 ${ms(side.p50)}, p99 ${ms(side.p99)} of ${side.singles}`;
      print(`${name}: ${side.linesPerSecond.toFixed(1)} lines per second${latency}`);
    };
    const singlesAlone = await measure({ singles: true, bulk: false });
    show('single payouts alone', singlesAlone);
    const bulkAlone = await measure({ singles: false, bulk: true });
    show('the bulk alone', bulkAlone);

    const point = (name: string, side: Side): CurvePoint => ({
      name,
      ...side,
      p99OverAlone: side.p99 / singlesAlone.p99,
      rateOverAlone: side.linesPerSecond / bulkAlone.linesPerSecond,
    });
    const points = [point('as configured', await measure({ singles: true, bulk: true }))];
    for (const settings of holds(points[0]) ? [] : CURVE) {
      for (const worker of workers) await worker.close();
      workers = await startWorkers(settings);
      await warmUp({ single, bulks, takeIndexes: (count) => (index += count) - count });
      const name = Object.entries(settings).map(([variable, value]) => `${variable}=${value}`);
      points.push(point(name.join(' '), await measure({ singles: true, bulk: true })));
    }

    report({ singlesAlone, bulkAlone, points }, print);
    const ratios = { p99: points[0]?.p99OverAlone ?? NaN, bulk_rate: points[0]?.rateOverAlone ?? NaN };
    return { versions, figures: { singlesAlone, bulkAlone, points }, ratios };
  },
};

type CurvePoint = Side & { name: string; p99OverAlone: number; rateOverAlone: number };

function holds(point: CurvePoint | undefined): boolean {
  return point !== undefined && point.p99OverAlone <= MOST_P99 && point.rateOverAlone >= LEAST_RATE;
}

/** One payout; milliseconds from its 202 to its webhook. */
function createSingle(
  world: World,
  options: { apiUrl: string; key: string; nextIndex: () => number },
): () => Promise<number> {
  const merchant = createMerchant({ apiUrl: options.apiUrl, key: options.key, connections: LANES });
  return async () => {
    const id = await merchant.send(payoutRequest(options.nextIndex()).body);
    const acceptedAt = performance.now();
    await world.inbox.succeeded(id, PATIENCE_MS);
    return performance.now() - acceptedAt;
  };
}

async function warmUp(options: {
  single: () => Promise<number>;
  bulks: BulkClient;
  takeIndexes: (count: number) => number;
}): Promise<void> {
  for (let count = 0; count < 20; count += 1) await options.single();
  const lines = 500;
  const bulkId = await options.bulks.upload({ lines, firstIndex: options.takeIndexes(lines), notify: 'summary' });
  await options.bulks.untilState(bulkId, 'completed', PATIENCE_MS);
}

async function doneLines(bulks: BulkClient, bulkId: string | null): Promise<number> {
  if (bulkId === null) return 0;
  return (await bulks.read(bulkId)).progress['succeeded']?.lines ?? 0;
}

function report(
  { singlesAlone, bulkAlone, points }: { singlesAlone: Side; bulkAlone: Side; points: readonly CurvePoint[] },
  print: (line: string) => void,
): void {
  print(`\nsingle payouts from accept to final, ${LANES} per second, beside another merchant's bulk`);
  const rows = [
    ['', 'p50, ms', 'p99, ms', 'over alone', 'lines per second', 'over alone', ''],
    ['single payouts alone', ms(singlesAlone.p50), ms(singlesAlone.p99), '1.00', '', '', ''],
    ['the bulk alone', '', '', '', bulkAlone.linesPerSecond.toFixed(1), '1.00', ''],
    ...points.map((found) => [
      `both, ${found.name}`,
      ...[ms(found.p50), ms(found.p99), found.p99OverAlone.toFixed(2)],
      ...[found.linesPerSecond.toFixed(1), found.rateOverAlone.toFixed(2), holds(found) ? 'both hold' : ''],
    ]),
  ];
  for (const line of table(rows)) print(line);
}

function ms(value: number): string {
  return value.toFixed(0);
}
