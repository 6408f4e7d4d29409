import { parseStrictJson } from '../strict-json';
import { BrokenBodyError, memberTwice } from './piece';
import type { BodyPiece } from './piece';

/** One JSON object per line; empty lines count for nothing. */
export async function* readNdjson(source: AsyncIterable<string>, maxLineLength: number): AsyncIterable<BodyPiece> {
  let line = 0;
  for await (const text of splitLines(source, maxLineLength)) {
    if (text.trim() === '') continue;
    line += 1;
    yield readLine(text, line);
  }
}

function readLine(text: string, line: number): BodyPiece {
  const parsed = parseStrictJson(text);
  if (parsed.ok) return { kind: 'line', line, fields: parsed.value };
  if (parsed.problem === 'member_twice') return memberTwice(line, parsed.path);
  const message = 'the line is no JSON: write one JSON object per line';
  return { kind: 'error', line, field: null, code: 'not_json', message };
}

async function* splitLines(source: AsyncIterable<string>, maxLineLength: number): AsyncIterable<string> {
  let rest = '';
  let count = 0;
  // Whole lines are measured as well: whether a file is taken may not hang on where its packets end.
  const assertLength = (line: string): void => {
    if (line.length <= maxLineLength) return;
    throw new BrokenBodyError('line_too_long', `a line has more than ${maxLineLength} characters`, count + 1);
  };
  for await (const text of source) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      assertLength(line);
      count += 1;
      yield line;
    }
    assertLength(rest);
  }
  if (rest !== '') yield rest;
}
