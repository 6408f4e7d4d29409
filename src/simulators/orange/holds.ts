/**
 * Named points where a test can make a call stand still: a unit cash-in right before and right after money moves, a bulk
 * call right before the batch is taken and right after, before its answer.
 */
export const HOLD_POINTS = ['before_move', 'after_move', 'before_bulk', 'after_bulk'] as const;
export type HoldPoint = (typeof HOLD_POINTS)[number];

export interface HoldStatus {
  /** How many more calls will be stopped here; null: all. */
  readonly armed: number | null;
  /** References (empty string where none was sent; of a bulk the first line's) of those standing here now. */
  readonly blocked: readonly string[];
}

export interface Holds {
  /** Stops the next `count` calls (null: all) at the point until released. */
  arm(point: HoldPoint, count: number | null): void;
  /** Disarms the point (or all points) and lets go whoever stands there. Returns how many went on. */
  release(point?: HoldPoint): number;
  /** Resolves at once where the point is not armed. A client that went away does not end the wait. */
  pass(point: HoldPoint, reference: string): Promise<void>;
  status(): Record<HoldPoint, HoldStatus>;
}

interface Point {
  armed: number | null;
  waiting: { reference: string; go: () => void }[];
}

export function createHolds(): Holds {
  const points: Record<HoldPoint, Point> = {
    before_move: { armed: 0, waiting: [] },
    after_move: { armed: 0, waiting: [] },
    before_bulk: { armed: 0, waiting: [] },
    after_bulk: { armed: 0, waiting: [] },
  };

  return {
    arm: (point, count) => {
      points[point].armed = count;
    },
    release: (only) => {
      let released = 0;
      for (const name of HOLD_POINTS) {
        if (only !== undefined && only !== name) continue;
        const point = points[name];
        point.armed = 0;
        const waiting = point.waiting.splice(0);
        released += waiting.length;
        for (const { go } of waiting) go();
      }
      return released;
    },
    pass: (name, reference) => {
      const point = points[name];
      if (point.armed === 0) return Promise.resolve();
      if (point.armed !== null) point.armed -= 1;
      return new Promise((go) => point.waiting.push({ reference, go }));
    },
    status: () => ({
      before_move: statusOf(points.before_move),
      after_move: statusOf(points.after_move),
      before_bulk: statusOf(points.before_bulk),
      after_bulk: statusOf(points.after_bulk),
    }),
  };
}

function statusOf(point: Point): HoldStatus {
  return { armed: point.armed, blocked: point.waiting.map(({ reference }) => reference) };
}
