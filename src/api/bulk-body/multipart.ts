import type { IncomingHttpHeaders } from 'node:http';
import { finished } from 'node:stream';
import type { Readable } from 'node:stream';

import { Busboy } from '@fastify/busboy';

import { BULK_OPTIONS } from './options';
import { BrokenBodyError, shownName } from './piece';
import type { BodyPiece } from './piece';

type Part =
  { field: string; value: string } | { file: Readable; type: string; name: string } | { end: true } | { error: Error };

const MAX_FIELDS = 50;

/** Holds the longest list of `allow_duplicates`. */
const MAX_FIELD_BYTES = 131_072;

/** Reads the one file part as its type says. */
export type ReadFile = (file: AsyncIterable<Buffer>, type: string, name: string) => AsyncIterable<BodyPiece>;

/** A form: options as fields, before or after the one part `file`. */
export async function* readMultipart(
  source: Readable,
  headers: IncomingHttpHeaders,
  readFile: ReadFile,
): AsyncIterable<BodyPiece> {
  const form = createParts(source, headers);
  let files = 0;
  for (;;) {
    const part = await form.next();
    if ('end' in part) break;
    if ('error' in part) throw part.error;
    if ('field' in part) {
      yield optionOf(part);
      continue;
    }
    files += 1;
    if (files > 1) throw new BrokenBodyError('file_twice', 'send one file at a time');
    try {
      yield* readFile(part.file, part.type, part.name);
    } catch (error) {
      throw form.failure() ?? error;
    }
  }
  if (files === 0) throw new BrokenBodyError('file_missing', 'send the lines as a part `file`');
}

function optionOf({ field, value }: { field: string; value: string }): BodyPiece {
  if ((BULK_OPTIONS as readonly string[]).includes(field)) return { kind: 'options', options: { [field]: value } };
  const message = `is not known: take one of ${BULK_OPTIONS.join(', ')}`;
  return { kind: 'error', line: null, field: shownName(field), code: 'unknown_option', message };
}

interface Parts {
  next(): Promise<Part>;
  /** What ended the form before its end. */
  failure(): Error | null;
}

/** The parts in their order. A file that is not read to its end holds up the rest, and with it the sender. */
function createParts(source: Readable, headers: IncomingHttpHeaders): Parts {
  const parts: Part[] = [];
  let wake: () => void = () => undefined;
  let failure: Error | null = null;
  const files: Readable[] = [];
  const push = (part: Part): void => {
    parts.push(part);
    wake();
  };
  // Its first cause counts. A file that is being read ends with it: the form alone would leave its reader waiting.
  const fail = (error: Error): void => {
    if (failure) return;
    failure = error;
    push({ error });
    for (const file of files) file.destroy(error);
  };
  try {
    const form = new Busboy({
      headers: { ...headers, 'content-type': headers['content-type'] ?? '' },
      limits: { fields: MAX_FIELDS, files: 2, fieldSize: MAX_FIELD_BYTES },
    });
    form.on('field', (field, value, _nameTruncated, isTruncated) => {
      if (isTruncated) fail(broken(`a field has more than ${MAX_FIELD_BYTES} bytes`));
      else push({ field, value });
    });
    form.on('fieldsLimit', () => fail(broken(`it has more than ${MAX_FIELDS} fields`)));
    form.on('file', (_field, file, name, _encoding, type) => {
      // The parser reports a form that is cut off here too, whether anybody listens or not.
      file.on('error', () => undefined);
      files.push(file);
      push({ file, type, name });
    });
    form.on('finish', () => push({ end: true }));
    form.on('error', () => fail(broken('is its last boundary missing?')));
    finished(source, { writable: false }, (error) => {
      if (error) fail(error);
    });
    source.pipe(form);
  } catch {
    fail(broken('is its boundary named in the Content-Type?'));
  }
  return {
    failure: () => failure,
    async next() {
      for (;;) {
        const part = parts.shift();
        if (part) return part;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

function broken(why: string): BrokenBodyError {
  return new BrokenBodyError('not_a_form', `the form cannot be read: ${why}`);
}
