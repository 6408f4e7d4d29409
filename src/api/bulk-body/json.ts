import { JSONParser, TokenType } from '@streamparser/json';

import { BULK_OPTIONS } from './options';
import { BrokenBodyError, shownName } from './piece';
import type { BodyPiece } from './piece';

const TOP_LEVEL: readonly string[] = [...BULK_OPTIONS, 'lines'];

/** One object with options and `lines`, in any order; nothing of it is kept but the line at hand. */
export async function* readJson(source: AsyncIterable<string>): AsyncIterable<BodyPiece> {
  let pieces: BodyPiece[] = [];
  let line = 0;
  const parser = new JSONParser({
    paths: ['$.lines.*', ...BULK_OPTIONS.map((option) => `$.${option}`)],
    keepStack: false,
  });
  parser.onValue = ({ value, key, stack }) => {
    if (stack.length > 1) {
      line += 1;
      pieces.push({ kind: 'line', line, fields: value });
    } else {
      pieces.push({ kind: 'options', options: { [String(key)]: value } });
    }
  };
  const watch = watchTopLevel((name) => {
    if (TOP_LEVEL.includes(name)) return;
    const message = `is not known: take one of ${TOP_LEVEL.join(', ')}`;
    pieces.push({ kind: 'error', line: null, field: shownName(name), code: 'unknown_option', message });
  });
  parser.onToken = ({ token, value }) => watch.see(token, value);
  for await (const text of source) {
    feed(parser, text, line);
    yield* pieces;
    pieces = [];
  }
  if (!parser.isEnded) throw new BrokenBodyError('not_json', 'the JSON ends before its end', line === 0 ? null : line);
  if (!watch.isObject()) throw new BrokenBodyError('not_json', 'give one object with `lines`, an array of objects');
}

function feed(parser: JSONParser, text: string, line: number): void {
  try {
    parser.write(text);
  } catch {
    throw new BrokenBodyError('not_json', `the JSON is broken after line ${line}`, line === 0 ? null : line);
  }
}

/** Tells the names of the outermost object's members. */
function watchTopLevel(onName: (name: string) => void): {
  see: (token: TokenType, value: unknown) => void;
  isObject: () => boolean;
} {
  let depth = 0;
  let last: unknown;
  let isObject = false;
  return {
    see(token, value) {
      if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) {
        if (depth === 0) isObject = token === TokenType.LEFT_BRACE;
        depth += 1;
      } else if (token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET) {
        depth -= 1;
      } else if (depth === 1 && token === TokenType.STRING) {
        last = value;
      } else if (depth === 1 && token === TokenType.COLON && isObject) {
        onName(String(last));
      }
    },
    isObject: () => isObject,
  };
}
