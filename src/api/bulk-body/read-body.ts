import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

import type { Content } from './content';
import { readCsv } from './csv';
import { readJson } from './json';
import { readMultipart } from './multipart';
import { readNdjson } from './ndjson';
import type { BodyPiece } from './piece';

export const BULK_FORMATS = ['csv', 'ndjson', 'json', 'multipart'] as const;

export type BulkFormat = (typeof BULK_FORMATS)[number];

const BY_TYPE: Readonly<Record<string, BulkFormat>> = {
  'text/csv': 'csv',
  'application/csv': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/json': 'json',
  'multipart/form-data': 'multipart',
};

export const BULK_MEDIA_TYPES: readonly string[] = Object.keys(BY_TYPE);

/** Characters that one line may have; in JSON bytes. */
const MAX_LINE_LENGTH = 65_536;

/** The format that a media type names, or null where it is none of ours. */
export function formatOf(contentType: string | undefined): BulkFormat | null {
  return BY_TYPE[(contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''] ?? null;
}

/** Reads a body piece by piece, as fast as its pieces are taken. */
export function readBody(
  format: BulkFormat,
  request: Readable & { headers: IncomingHttpHeaders },
  content: Content,
): AsyncIterable<BodyPiece> {
  if (format !== 'multipart') return readLines(format, content.text(request));
  return readMultipart(request, request.headers, (file, type, name) =>
    readLines(formatOfFile(type, name), content.text(file)),
  );
}

function readLines(format: Exclude<BulkFormat, 'multipart'>, text: AsyncIterable<string>): AsyncIterable<BodyPiece> {
  switch (format) {
    case 'csv':
      return readCsv(text, MAX_LINE_LENGTH);
    case 'ndjson':
      return readNdjson(text, MAX_LINE_LENGTH);
    case 'json':
      return readJson(text, MAX_LINE_LENGTH);
    default:
      return format satisfies never;
  }
}

/** Browsers send many types for one CSV; the name tells more. */
function formatOfFile(type: string, name: string): Exclude<BulkFormat, 'multipart'> {
  if (/\.(ndjson|jsonl)$/i.test(name) || /ndjson/i.test(type)) return 'ndjson';
  if (/\.json$/i.test(name) || type === 'application/json') return 'json';
  return 'csv';
}
