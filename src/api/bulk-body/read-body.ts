import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

import { ApiProblem } from '../problem';
import type { ProblemExtras } from '../problem';
import { readUtf8 } from './content';
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
  'text/tab-separated-values': 'csv',
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
  if (format !== 'multipart') return readLines(format, content.bytes(request));
  return readMultipart(request, request.headers, (file, type, name) =>
    readLines(formatOfFile(type, name), content.bytes(file)),
  );
}

async function* readLines(
  format: Exclude<BulkFormat, 'multipart'>,
  bytes: AsyncIterable<Buffer>,
): AsyncIterable<BodyPiece> {
  if (format === 'csv') {
    yield* readCsv(bytes, MAX_LINE_LENGTH);
    return;
  }
  yield { kind: 'read_as', readAs: { format, encoding: 'utf-8', separator: null } };
  const text = readUtf8(bytes);
  yield* format === 'ndjson' ? readNdjson(text, MAX_LINE_LENGTH) : readJson(text, MAX_LINE_LENGTH);
}

/** Says nothing of what a file is: what clients send where they do not know, or send nothing. */
const TELLS_NOTHING: readonly string[] = ['', 'text/plain', 'application/octet-stream'];

/** Browsers send many types for one CSV, Excel's among them; the name tells more. Throws for what is none of ours. */
function formatOfFile(sentType: string, name: string): Exclude<BulkFormat, 'multipart'> {
  const type = sentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const [, extension = ''] = /\.([a-z][a-z0-9]{1,9})$/i.exec(name.trim().toLowerCase()) ?? [];
  const named = formatOf(type);
  if (extension === 'ndjson' || extension === 'jsonl' || named === 'ndjson') return 'ndjson';
  if (extension === 'json' || named === 'json') return 'json';
  if (/^(?:csv|txt|text|tsv|dat|prn)$/.test(extension) || named === 'csv') return 'csv';
  if (extension === '' && TELLS_NOTHING.includes(type)) return 'csv';
  throw notOurType({ headers: { Connection: 'close' } });
}

/** Tells what an upload may be. */
export function notOurType(extras: Pick<ProblemExtras, 'headers'> = {}): ApiProblem {
  const detail =
    'A bulk is CSV (`text/csv`, with commas, semicolons or tabs), NDJSON (`application/x-ndjson`), JSON, or a form with such a file as its part `file`; ' +
    'save a spreadsheet as CSV UTF-8.';
  return new ApiProblem('unsupported_media_type', { ...extras, detail });
}
