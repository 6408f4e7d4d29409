import type { FloorKind, FloorRun } from '../floor/contract';
import { createKeptClient } from '../merchant';
import type { Program } from '../world';
import type { BulkContender } from './bulk-contender';

/** Lines of each try of a limit. */
const TRY_LINES = { lines: 2_000, native: 4_000 } as const satisfies Record<FloorKind, number>;

/** Calls under way at once, of which the best is taken. */
const LIMITS = { lines: [32, 64, 128], native: [2, 4, 8] } as const satisfies Record<FloorKind, readonly number[]>;

export interface FloorLoop {
  name: string;
  kind: FloorKind;
  /** One PIN block for all lines instead of one for each. */
  keepsBlock: boolean;
}

export interface Floor {
  /** The same work without any durability; it is tried with each limit first, and runs with the best. */
  contender(loop: FloorLoop, what: string): Promise<BulkContender>;
}

/** The process that carries lines in plain loops. */
export function createFloor(options: {
  program: Program;
  takeIndexes: (count: number) => number;
  gapMs: Readonly<Record<FloorKind, number>>;
  mostTryLines: number;
  print: (line: string) => void;
}): Floor {
  const { program, takeIndexes, gapMs } = options;
  const client = createKeptClient(program.url, 1);

  async function run(order: Pick<FloorRun, 'kind' | 'lines' | 'limit' | 'keepsBlock'>): Promise<void> {
    const whole: FloorRun = { ...order, firstIndex: takeIndexes(order.lines), gapMs: gapMs[order.kind] };
    const { status, body } = await client.post('/run', whole);
    if (status !== 200) throw new Error(`the floor failed: ${body}`);
  }

  async function findBestLimit({ name, kind, keepsBlock }: FloorLoop): Promise<number> {
    const lines = Math.min(TRY_LINES[kind], options.mostTryLines);
    const rates: { limit: number; rate: number }[] = [];
    // The first try warms up and is not counted.
    for (const limit of [LIMITS[kind][1], ...LIMITS[kind]]) {
      const startedAt = performance.now();
      await run({ kind, lines, limit, keepsBlock });
      rates.push({ limit, rate: (lines * 1_000) / (performance.now() - startedAt) });
    }
    const counted = rates.slice(1);
    const best = counted.reduce((one, other) => (other.rate > one.rate ? other : one));
    const shown = counted.map(({ limit, rate }) => `${limit}: ${rate.toFixed(0)}`).join(', ');
    options.print(`${name}: lines per second by calls at once: ${shown}; taken: ${best.limit}`);
    return best.limit;
  }

  return {
    async contender(loop, what) {
      const limit = await findBestLimit(loop);
      const { name, kind, keepsBlock } = loop;
      return {
        name,
        what: `${what}, ${limit} calls at once`,
        open: () =>
          Promise.resolve({
            pids: { floor: program.pid },
            events: ['payout.succeeded'],
            eventsOf: (lines) => lines,
            run: (lines) => run({ kind, lines, limit, keepsBlock }),
            close: () => Promise.resolve(),
          }),
      };
    },
  };
}
