import { gunzipSync } from 'node:zlib';

/** How deep encodings are undone inside each other. */
const MAX_DEPTH = 3;

/**
 * Which of the marked values lie in some bytes, in clear or under base64, base64url, hex, URL encoding or gzip, also one
 * inside another.
 */
export function findCanaries(haystack: Buffer | string, canaries: readonly string[]): readonly string[] {
  const found = new Set<string>();
  scan(Buffer.from(haystack), canaries, found, 0);
  return [...found];
}

function scan(bytes: Buffer, canaries: readonly string[], found: Set<string>, depth: number): void {
  for (const canary of canaries) if (bytes.includes(canary)) found.add(canary);
  if (depth === MAX_DEPTH || found.size === canaries.length) return;
  const text = bytes.toString('latin1');
  const inner: Buffer[] = [];
  for (const [run] of text.matchAll(/[A-Za-z0-9+/_-]{12,}={0,2}/g)) {
    // A run may begin beside the encoded value's own start: each of the four alignments is tried.
    for (let offset = 0; offset < 4; offset += 1) inner.push(Buffer.from(run.slice(offset), 'base64'));
  }
  for (const [run] of text.matchAll(/(?:[0-9a-fA-F]{2}){8,}/g)) {
    inner.push(Buffer.from(run, 'hex'), Buffer.from(run.slice(1, run.length - 1), 'hex'));
  }
  if (/%[0-9a-fA-F]{2}/.test(text)) {
    inner.push(
      Buffer.from(
        text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
        'latin1',
      ),
    );
  }
  for (let at = bytes.indexOf('\x1f\x8b', 0, 'latin1'); at >= 0; at = bytes.indexOf('\x1f\x8b', at + 1, 'latin1')) {
    const unzipped = gunzipOrNothing(bytes.subarray(at));
    if (unzipped) inner.push(unzipped);
  }
  for (const decoded of inner) scan(decoded, canaries, found, depth + 1);
}

function gunzipOrNothing(bytes: Buffer): Buffer | null {
  try {
    return gunzipSync(bytes, { maxOutputLength: 10_000_000 });
  } catch {
    return null;
  }
}
