import { createHash } from 'node:crypto';

import { BodyLimitError, BrokenBodyError } from './piece';

/** The bytes of the lines on their way through: counted and hashed. */
export interface Content {
  /** Throws `BodyLimitError`. */
  bytes(source: AsyncIterable<Buffer>): AsyncIterable<Buffer>;
  /** SHA-256 of all bytes that went through. */
  digest(): Buffer;
}

export function createContent(maxBytes: number): Content {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    async *bytes(source) {
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw new BodyLimitError('bytes', maxBytes);
        hash.update(chunk);
        yield chunk;
      }
    },
    digest: () => hash.copy().digest(),
  };
}

/** Text in pieces of any size. Throws `BrokenBodyError` where the bytes are no UTF-8. */
export async function* readUtf8(source: AsyncIterable<Buffer>): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const chunk of source) {
    const text = decode(decoder, chunk, true);
    if (text !== '') yield text;
  }
  const rest = decode(decoder, undefined, false);
  if (rest !== '') yield rest;
}

/** A byte order mark at the start is taken away by the decoder. */
function decode(decoder: InstanceType<typeof TextDecoder>, chunk: Buffer | undefined, stream: boolean): string {
  try {
    return decoder.decode(chunk, { stream });
  } catch {
    throw new BrokenBodyError('not_utf8', 'the file is not UTF-8: save it as UTF-8 and send it again');
  }
}
