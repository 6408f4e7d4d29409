/** Encodings in which spreadsheets save a text. */
export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'macintosh'] as const;

export type Encoding = (typeof ENCODINGS)[number];

/** The bytes are in none of the encodings that can be told apart. */
export class TextEncodingError extends Error {
  override readonly name = 'TextEncodingError';
}

/**
 * Reads the text of a file without being told its encoding. A byte order mark or zeros tell UTF-16. Otherwise the first
 * letter beyond ASCII decides between UTF-8 and the old encoding of Windows, or, where the lines end as old Macs end them,
 * of the Mac; from then on nothing else is taken. `onEncoding` hears what it is, at the latest before the last text.
 */
export async function* decodeText(
  source: AsyncIterable<Buffer>,
  onEncoding: (encoding: Encoding) => void,
): AsyncIterable<string> {
  let decode: Decode | null = null;
  let waiting: Buffer = Buffer.alloc(0);
  let isStart = true;
  const seen = { cr: false, lf: false };
  const begin = (encoding: Encoding): Decode => {
    onEncoding(encoding);
    return createDecode(encoding, isStart);
  };
  onEncoding('utf-8');
  for await (const chunk of source) {
    if (decode) {
      yield decode(chunk, true);
      continue;
    }
    const bytes: Buffer = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    waiting = Buffer.alloc(0);
    if (isStart) {
      if (bytes.length < 3) {
        waiting = bytes;
        continue;
      }
      const marked = markedEncoding(bytes);
      if (marked) decode = begin(marked);
      isStart = false;
      if (decode) {
        yield decode(bytes, true);
        continue;
      }
    }
    const at = bytes.findIndex((byte) => byte >= 0x80);
    const ascii = at < 0 ? bytes : bytes.subarray(0, at);
    seen.cr ||= ascii.includes(0x0d);
    seen.lf ||= ascii.includes(0x0a);
    yield ascii.toString('latin1');
    if (at < 0) continue;
    const rest = bytes.subarray(at);
    const isUtf8 = beginsAsUtf8(rest);
    if (isUtf8 === null) {
      waiting = rest;
      continue;
    }
    decode = begin(isUtf8 ? 'utf-8' : seen.cr && !seen.lf ? 'macintosh' : 'windows-1252');
    yield decode(rest, true);
  }
  // A letter that is cut off in the middle, or less than three bytes in all.
  yield decode ? decode(Buffer.alloc(0), false) : createDecode('utf-8', isStart)(waiting, false);
}

type Decode = (bytes: Buffer, isMoreToCome: boolean) => string;

/** A mark at the start is taken away; anywhere else it is a sign like others, which may stand inside of a number. */
function createDecode(encoding: Encoding, isStart: boolean): Decode {
  if (encoding === 'windows-1252') return decodeWindows1252;
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: !isStart });
  return (bytes, stream) => {
    try {
      return decoder.decode(bytes, { stream });
    } catch {
      throw new TextEncodingError(encoding);
    }
  };
}

function markedEncoding(bytes: Buffer): Encoding | null {
  const [first = 0, second = 0, third = 0] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second !== 0)) return 'utf-16be';
  return null;
}

/** Whether bytes whose first is beyond ASCII begin with a letter of UTF-8; null while too few have come. */
function beginsAsUtf8(bytes: Buffer): boolean | null {
  const lead = bytes[0] ?? 0;
  const length =
    lead >= 0xf0 && lead <= 0xf4 ? 4 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xc2 && lead < 0xe0 ? 2 : 0;
  if (length === 0) return false;
  const following = bytes.subarray(1, length);
  if (following.some((byte) => byte < 0x80 || byte > 0xbf)) return false;
  return following.length === length - 1 ? true : null;
}

/** What Windows-1252 has between 0x80 and 0x9f. Of our own, since some releases of Node read these bytes as ISO 8859-1. */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

function decodeWindows1252(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replaceAll(/[\u0080-\u009f]/g, (letter) => WINDOWS_1252[letter.charCodeAt(0) - 0x80] ?? letter);
}
