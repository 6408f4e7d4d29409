import { addMerchant } from '../add-merchant';
import { createBulkClient } from '../bulk-client';
import { QUIET_MS } from '../measure/bulk-round';
import { untilAllClosed } from '../measure/histories';
import { forgetPeakMemory, readPeakMemory } from '../measure/memory';
import type { Mode } from '../mode';
import { table } from '../table';
import { openWorkbench } from '../workbench';

/** Lines of the bulks that are measured, one after another in the same processes. */
const SIZES = [1_000, 10_000, 100_000] as const;

/** Enough for what is made once, and for the garbage collector to have found its measure. */
const WARM_UP_LINES = 5_000;

/** Megabytes of old objects that the API and the worker may keep. */
const MAX_OLD_SPACE_MB = 256;

/** Megabytes of resident memory at most while the bulk came in and was carried. */
interface Peaks {
  lines: number;
  seconds: number;
  api: number;
  worker: number;
}

/** Peak resident memory of the API and the worker by the size of a bulk. Flat means that nothing grows with the file. */
export const memory: Mode = {
  payouts: SIZES[2],
  rounds: 1,
  async run(options) {
    const { print } = options;
    const { world, core, client, versions, api } = await openWorkbench(options, {
      settlementDelayMs: 0,
      variables: {},
      nodeArgs: [`--max-old-space-size=${MAX_OLD_SPACE_MB}`],
    });
    const events = ['payout.succeeded', 'bulk.completed'] as const;
    const { key } = await addMerchant(core, world, { number: 1, events });
    const worker = await world.startProduct('worker');
    const bulks = createBulkClient({ apiUrl: api.url, key });
    let index = 0;

    async function carry(lines: number): Promise<Peaks> {
      await untilAllClosed(client);
      for (const { pid } of [api, worker]) forgetPeakMemory(pid);
      const startedAt = performance.now();
      const told = world.inbox.collect(events);
      await bulks.upload({ lines, firstIndex: index, notify: 'each' });
      index += lines;
      await told.until(lines + 1, QUIET_MS);
      told.close();
      const seconds = (performance.now() - startedAt) / 1_000;
      return { lines, seconds, api: readPeakMemory(api.pid), worker: readPeakMemory(worker.pid) };
    }

    const sizes = [...new Set(SIZES.map((size) => Math.min(size, options.payouts)))];
    const all: Peaks[] = [];
    await carry(Math.min(WARM_UP_LINES, options.payouts));
    for (const lines of sizes) {
      const peaks = await carry(lines);
      print(`${lines} lines in ${peaks.seconds.toFixed(1)} s: api ${mb(peaks.api)}, worker ${mb(peaks.worker)}`);
      all.push(peaks);
    }

    print(`\npeak resident memory, MB; --max-old-space-size=${MAX_OLD_SPACE_MB}, after a warm-up bulk`);
    const rows = [
      ['lines', ...all.map(({ lines }) => String(lines))],
      ['api', ...all.map((peaks) => mb(peaks.api))],
      ['worker', ...all.map((peaks) => mb(peaks.worker))],
    ];
    for (const line of table(rows)) print(line);
    const growth = (of: 'api' | 'worker'): number => (all.at(-1)?.[of] ?? NaN) / (all[0]?.[of] ?? NaN);
    const ratios = { api_rss: growth('api'), worker_rss: growth('worker') };
    print(`\nlargest over smallest: api ${ratios.api_rss.toFixed(2)}, worker ${ratios.worker_rss.toFixed(2)}`);
    return { versions, figures: all, ratios };
  },
};

function mb(value: number): string {
  return value.toFixed(0);
}
