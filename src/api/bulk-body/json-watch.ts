import { TokenType } from '@streamparser/json';

import { createMemberNames } from '../strict-json';
import { BrokenBodyError } from './piece';

export interface JsonWatch {
  /** Throws `BrokenBodyError` where the JSON is not one object with an array of lines, or a line is too long. */
  see(token: { token: TokenType; value: unknown; offset: number }): void;
  /** As many more bytes were read to their end. */
  wrote(bytes: number): void;
}

interface Heard {
  /** A member of the outermost object. */
  onName: (name: string) => void;
  /** A member of an object within it that has one of that name already. */
  onTwice: (path: readonly string[]) => void;
}

/** Tells the names of the outermost object's members, those that come twice, and holds each line and option to `maxBytes`. */
export function watchJson(maxBytes: number, { onName, onTwice }: Heard): JsonWatch {
  const inner = createMemberNames();
  let depth = 0;
  let name: unknown;
  let isValueOfLines = false;
  let shallow = 0;
  let bytes = 0;
  const assertLength = (end: number): void => {
    if (end - shallow <= maxBytes) return;
    throw new BrokenBodyError('line_too_long', `a line or an option has more than ${maxBytes} bytes`);
  };
  return {
    see({ token, value, offset }) {
      if (depth === 0 && token !== TokenType.LEFT_BRACE) throw notAnObject();
      if (isValueOfLines && token !== TokenType.LEFT_BRACKET) throw notAnObject();
      isValueOfLines = false;
      if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) {
        depth += 1;
        // Of the outermost object nothing is kept: it may have any number of members.
        if (depth > 1) inner.open(token === TokenType.LEFT_BRACE);
      } else if (token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET) {
        if (depth > 1) inner.close();
        depth -= 1;
      } else if (token === TokenType.STRING) name = value;
      else if (token === TokenType.COMMA) inner.next();
      else if (token === TokenType.COLON && depth > 1) {
        if (!inner.name(String(name))) onTwice(inner.path());
      } else if (token === TokenType.COLON) {
        isValueOfLines = name === 'lines';
        onName(String(name));
      }
      assertLength(offset);
      // Lines and options begin and end on the two outermost levels; what is deeper is kept until then.
      if (depth <= 2) shallow = offset;
    },
    wrote(more) {
      bytes += more;
      assertLength(bytes);
    },
  };
}

function notAnObject(): BrokenBodyError {
  return new BrokenBodyError('not_json', 'give one object with `lines`, an array of objects');
}
