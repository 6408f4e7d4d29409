import type { BulkTransition } from '../../db/bulk-transitions';
import type { BulkReading } from './reading';

/** How far somebody was told of a bulk. */
export interface StreamPosition {
  version: number;
  /** The reading's, or `END`; null: of the lines at this version nothing was told yet. */
  mark: string | null;
}

export interface StreamEvent {
  event: 'state' | 'progress' | 'end';
  position: StreamPosition;
  /** JSON. */
  data: string;
}

const END = 'end';

/** What somebody has not been told; who knows nothing begins with how the bulk stands now. */
export function newsSince(position: StreamPosition | null, reading: BulkReading): readonly StreamEvent[] {
  const { version, mark, body } = reading;
  const known = position && position.version <= version ? position : { version, mark: null };
  const news: StreamEvent[] = reading.transitions
    .filter((transition) => transition.version > known.version)
    .map((transition) => ({
      event: 'state',
      position: { version: transition.version, mark: null },
      data: serializeTransition(transition),
    }));
  const hasEnded = isToldOfEnd(known, reading);
  if (!hasEnded && (known.version !== version || known.mark !== mark)) {
    news.push({ event: 'progress', position: { version, mark }, data: body });
  }
  if (reading.isAtRest && !hasEnded) news.push({ event: 'end', position: { version, mark: END }, data: body });
  return news;
}

/** Whether nothing is left to be told of a bulk as it stands. */
export function isToldOfEnd(
  position: StreamPosition | null,
  { version, isAtRest }: Pick<BulkReading, 'version' | 'isAtRest'>,
): boolean {
  return isAtRest && position?.version === version && position.mark === END;
}

/** The id of an event, from which a client goes on. */
export function serializePosition({ version, mark }: StreamPosition): string {
  return mark === null ? `${version}` : `${version}.${mark}`;
}

/** Null for what is no id of ours: who sends it begins anew. */
export function parsePosition(id: string | undefined): StreamPosition | null {
  const [, version, mark] = /^(\d{1,9})(?:\.([a-z0-9]{1,12}))?$/.exec(id ?? '') ?? [];
  return version === undefined ? null : { version: Number(version), mark: mark ?? null };
}

function serializeTransition({ version, from, to, at, actor, reason, detail }: BulkTransition): string {
  return JSON.stringify({ version, from, to, at: at.toISOString(), actor, reason, detail });
}
