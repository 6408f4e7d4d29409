import type { IncomingHttpHeaders } from 'node:http';
import { pipeline } from 'node:stream';
import type { Readable } from 'node:stream';

import { Busboy } from '@fastify/busboy';

import { BULK_OPTIONS } from './options';
import { BrokenBodyError, shownName } from './piece';
import type { BodyPiece } from './piece';

type Part =
  { field: string; value: string } | { file: Readable; type: string; name: string } | { end: true } | { error: Error };

/** Reads the one file part as its type says. */
export type ReadFile = (file: AsyncIterable<Buffer>, type: string, name: string) => AsyncIterable<BodyPiece>;

/** A form: options as fields, before or after the one part `file`. */
export async function* readMultipart(
  source: Readable,
  headers: IncomingHttpHeaders,
  readFile: ReadFile,
): AsyncIterable<BodyPiece> {
  const next = createParts(source, headers);
  let files = 0;
  for (;;) {
    const part = await next();
    if ('end' in part) break;
    if ('error' in part) throw part.error;
    if ('field' in part) {
      yield optionOf(part);
      continue;
    }
    files += 1;
    if (files > 1) throw new BrokenBodyError('file_twice', 'send one file at a time');
    yield* readFile(part.file, part.type, part.name);
  }
  if (files === 0) throw new BrokenBodyError('file_missing', 'send the lines as a part `file`');
}

function optionOf({ field, value }: { field: string; value: string }): BodyPiece {
  if ((BULK_OPTIONS as readonly string[]).includes(field)) return { kind: 'options', options: { [field]: value } };
  const message = `is not known: take one of ${BULK_OPTIONS.join(', ')}`;
  return { kind: 'error', line: null, field: shownName(field), code: 'unknown_option', message };
}

/** The parts in their order. A file that is not read to its end holds up the rest, and with it the sender. */
function createParts(source: Readable, headers: IncomingHttpHeaders): () => Promise<Part> {
  const parts: Part[] = [];
  let wake: () => void = () => undefined;
  const push = (part: Part): void => {
    parts.push(part);
    wake();
  };
  const broken = (): void => push({ error: new BrokenBodyError('file_missing', 'the form cannot be read') });
  try {
    const form = new Busboy({
      headers: { ...headers, 'content-type': headers['content-type'] ?? '' },
      limits: { fields: 50, files: 2, fieldSize: 65_536 },
    });
    form.on('field', (field, value) => push({ field, value }));
    form.on('file', (_field, file, name, _encoding, type) => push({ file, type, name }));
    form.on('finish', () => push({ end: true }));
    pipeline(source, form, (error) => {
      if (error) broken();
    });
  } catch {
    broken();
  }
  return async () => {
    for (;;) {
      const part = parts.shift();
      if (part) return part;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
}
