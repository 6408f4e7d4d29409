import { JSONParser } from '@streamparser/json';

import { watchJson } from './json-watch';
import { BULK_OPTIONS } from './options';
import { BrokenBodyError, memberTwice, shownName } from './piece';
import type { BodyPiece } from './piece';

const TOP_LEVEL: readonly string[] = [...BULK_OPTIONS, 'lines'];

/** One object with options and `lines`, in any order; nothing of it is kept but the line at hand. */
export async function* readJson(source: AsyncIterable<string>, maxLineBytes: number): AsyncIterable<BodyPiece> {
  let pieces: BodyPiece[] = [];
  let line = 0;
  /** Of the line that is being read. */
  let twice: readonly string[] | null = null;
  let member = '';
  let hasLines = false;
  const parser = new JSONParser({
    paths: ['$.lines.*', ...BULK_OPTIONS.map((option) => `$.${option}`)],
    keepStack: false,
  });
  parser.onValue = ({ value, key, stack }) => {
    if (stack.length > 1) {
      line += 1;
      // Without its place among the lines.
      pieces.push(twice ? memberTwice(line, twice.slice(1)) : { kind: 'line', line, fields: value });
      twice = null;
    } else {
      pieces.push({ kind: 'options', options: { [String(key)]: value } });
    }
  };
  const watch = watchJson(maxLineBytes, {
    onName(name) {
      member = name;
      if (name === 'lines' && hasLines) pieces.push(memberTwice(null, [name]));
      hasLines ||= name === 'lines';
      if (TOP_LEVEL.includes(name)) return;
      const message = `is not known: take one of ${TOP_LEVEL.join(', ')}`;
      pieces.push({ kind: 'error', line: null, field: shownName(name), code: 'unknown_option', message });
    },
    onTwice(path) {
      if (member === 'lines') twice ??= path;
      else if (TOP_LEVEL.includes(member)) pieces.push(memberTwice(null, [member, ...path]));
    },
  });
  parser.onToken = (token) => watch.see(token);
  for await (const text of source) {
    let broken: BrokenBodyError | null = null;
    try {
      parser.write(text);
      watch.wrote(Buffer.byteLength(text));
    } catch (error) {
      broken = error instanceof BrokenBodyError ? error : brokenAfter(line);
    }
    // What came before the break is told as well.
    yield* pieces;
    pieces = [];
    if (broken) throw broken;
  }
  if (!parser.isEnded) throw new BrokenBodyError('not_json', 'the JSON ends before its end', line === 0 ? null : line);
}

function brokenAfter(line: number): BrokenBodyError {
  return new BrokenBodyError('not_json', `the JSON is broken after line ${line}`, line === 0 ? null : line);
}
