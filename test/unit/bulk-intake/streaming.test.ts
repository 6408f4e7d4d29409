import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { BodyLimitError } from '../../../src/api/bulk-body/piece';
import { openUpload, readUpload } from './read-upload';
import { HUGE_UPLOADS } from './huge-uploads';

const root = join(__dirname, '../../..');

/** Reads an upload in a process of its own, with a heap of so many megabytes. */
async function readWithHeap(upload: string, lines: number, megabytes: number): Promise<unknown> {
  const program = [
    join(root, 'tools/run-typescript.cjs'),
    join(__dirname, 'read-huge-upload.ts'),
    upload,
    String(lines),
  ];
  const args = [`--max-old-space-size=${megabytes}`, '--require', ...program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  return JSON.parse(stdout);
}

describe('memory does not grow with the file', () => {
  // 30,000 lines have 9 MB as text, and some 90 MB as objects.
  test.each([
    ['csv', 100_000],
    ['ndjson', 30_000],
    ['json', 30_000],
    ['form', 30_000],
  ])(
    '%s of %i lines fits into a heap of 48 MB',
    async (upload, lines) => {
      expect(await readWithHeap(upload, lines, 48)).toEqual({ lines, bad: 0, error: null });
    },
    240_000,
  );
});

describe('a reader who pauses makes the sender pause', () => {
  const MOST_AHEAD = 1_000_000;

  test.each(Object.entries(HUGE_UPLOADS))('%s', async (_name, { type, chunks }) => {
    let sent = 0;
    async function* counted(): AsyncIterable<Buffer> {
      for (const chunk of chunks(100_000)) {
        sent += chunk.length;
        yield chunk;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const { pieces, source } = openUpload({ type, chunks: counted() });
    const reader = pieces[Symbol.asyncIterator]();
    await reader.next();
    let before = -1;
    // Nobody reads: what is sent comes to rest, far before the end of 20 MB.
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(sent).toBeLessThan(MOST_AHEAD);
    source.destroy();
  });
});

describe('limits', () => {
  test.each(Object.entries(HUGE_UPLOADS))(
    'more bytes than may come end the reading early: %s',
    async (_name, upload) => {
      let sent = 0;
      function* counted(): Iterable<Buffer> {
        for (const chunk of upload.chunks(20_000)) {
          sent += chunk.length;
          yield chunk;
        }
      }
      const { error } = await readUpload({ type: upload.type, chunks: counted(), maxBytes: 100_000 });
      expect(error).toBeInstanceOf(BodyLimitError);
      expect(error).toMatchObject({ what: 'bytes', limit: 100_000 });
      expect(sent).toBeLessThan(1_000_000);
    },
  );
});
