import { checkLine } from '../../../src/api/bulk-body/check-line';
import { HUGE_UPLOADS } from './huge-uploads';
import { openUpload } from './read-upload';

/** A program: reads one of the huge uploads line by line, and prints what came. */
async function main(name: string, count: number): Promise<void> {
  const upload = HUGE_UPLOADS[name];
  if (!upload) throw new Error('no such upload');
  let lines = 0;
  let bad = 0;
  let error: string | null = null;
  try {
    for await (const piece of openUpload({ type: upload.type, chunks: upload.chunks(count) }).pieces) {
      if (piece.kind !== 'line') continue;
      lines += 1;
      if (!checkLine(piece.fields).ok) bad += 1;
    }
  } catch (thrown) {
    error = String(thrown);
  }
  process.stdout.write(JSON.stringify({ lines, bad, error }));
}

void main(process.argv[2] ?? '', Number(process.argv[3]));
