import { Readable } from 'node:stream';

import { HEADER, ROW } from './huge-uploads';
import { BOUNDARY, FORM_TYPE, openUpload, readUpload } from './read-upload';

describe('a sender who hangs up', () => {
  const started: readonly (readonly [string, string, string])[] = [
    ['CSV', 'text/csv', `${HEADER}\n${ROW}\n`],
    ['NDJSON', 'application/x-ndjson', '{}\n{'],
    ['JSON', 'application/json', '{"lines":[{},{'],
    ['a form, in its file', FORM_TYPE, fileStart(`${HEADER}\n${ROW}\n`)],
    ['a form, before its file', FORM_TYPE, `--${BOUNDARY}\r\nContent-Disposition: form-data; name="notify"\r\n\r\nea`],
  ];

  test.each(started)('ends the reading with that error: %s', async (_name, type, text) => {
    const hungUp = new Error('aborted');
    async function* chunks(): AsyncIterable<Buffer> {
      yield Buffer.from(text);
      await new Promise((resolve) => setTimeout(resolve, 20));
      throw hungUp;
    }
    expect((await readUpload({ type, chunks: chunks() })).error).toBe(hungUp);
  });

  test.each(started)('is noticed where it was before the reading began: %s', async (_name, type) => {
    const { source, pieces } = openUpload({ type, chunks: [] });
    source.on('error', () => undefined);
    source.destroy(new Error('aborted'));
    await new Promise((resolve) => setImmediate(resolve));
    await expect(Readable.from(pieces).toArray()).rejects.toThrow('aborted');
  });
});

function fileStart(content: string): string {
  return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n${content}`;
}
