import { Readable } from 'node:stream';

import { checkLine } from '../../../src/api/bulk-body/check-line';
import type { CheckedLine } from '../../../src/api/bulk-body/check-line';
import { createContent } from '../../../src/api/bulk-body/content';
import type { BodyPiece } from '../../../src/api/bulk-body/piece';
import { formatOf, readBody } from '../../../src/api/bulk-body/read-body';

export interface Upload {
  type: string;
  /** Bytes as they come in, chunk by chunk. */
  chunks: Iterable<Buffer> | AsyncIterable<Buffer>;
  maxBytes?: number;
}

export interface ReadUpload {
  pieces: BodyPiece[];
  /** What ended the reading before its end. */
  error: unknown;
  digest: string;
}

/** Every piece of a body, and how its reading ended. */
export async function readUpload(upload: Upload): Promise<ReadUpload> {
  const { pieces, digest } = openUpload(upload);
  const seen: BodyPiece[] = [];
  try {
    for await (const piece of pieces) seen.push(piece);
    return { pieces: seen, error: null, digest: digest() };
  } catch (error) {
    return { pieces: seen, error, digest: digest() };
  }
}

export function openUpload({ type, chunks, maxBytes = 1_000_000_000 }: Upload): {
  source: Readable;
  pieces: AsyncIterable<BodyPiece>;
  digest: () => string;
} {
  const source = Readable.from(chunks, { objectMode: false });
  const request = Object.assign(source, { headers: { 'content-type': type } });
  const content = createContent(maxBytes);
  const format = formatOf(type);
  if (format === null) throw new Error(`no format of ours: ${type}`);
  return { source, pieces: readBody(format, request, content), digest: () => content.digest().toString('hex') };
}

/** The lines of an upload as they were checked, in their order. */
export function linesOf({ pieces }: ReadUpload): CheckedLine[] {
  return pieces.flatMap((piece) => (piece.kind === 'line' ? [checkLine(piece.fields)] : []));
}

/** Cuts bytes into pieces of the given sizes, over and over. */
export function inChunks(bytes: Buffer, sizes: readonly number[] = [bytes.length || 1]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

export const BOUNDARY = 'a-boundary-of-ours';

export const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

/** A form; a part with a file name is a file. */
export function form(parts: readonly { name: string; value: string | Buffer; file?: string; type?: string }[]): Buffer {
  const bytes = parts.flatMap(({ name, value, file, type }) => [
    Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"`),
    Buffer.from(file === undefined ? '' : `; filename="${file}"\r\nContent-Type: ${type ?? 'text/csv'}`),
    Buffer.from('\r\n\r\n'),
    Buffer.isBuffer(value) ? value : Buffer.from(value),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...bytes, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}
