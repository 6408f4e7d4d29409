export type StrictJson =
  | { ok: true; value: unknown }
  | { ok: false; problem: 'not_utf8' | 'not_json' }
  /** `path` names the member from the outside in. */
  | { ok: false; problem: 'member_twice'; path: readonly string[] };

const NOT_JSON = { ok: false, problem: 'not_json' } as const;

/**
 * Parses JSON as RFC 7493 (I-JSON) wants it: UTF-8, and no member named twice. Otherwise bytes that are no UTF-8 would
 * all read alike, two names for one, and of two amounts the last one would be paid without a word.
 */
export function parseStrictJson(input: Uint8Array | string): StrictJson {
  let text: string;
  try {
    text = typeof input === 'string' ? input : new TextDecoder('utf-8', { fatal: true }).decode(input);
  } catch {
    return { ok: false, problem: 'not_utf8' };
  }
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    return NOT_JSON;
  }
  const path = findMemberTwice(text);
  return path === null ? { ok: true, value } : { ok: false, problem: 'member_twice', path };
}

/** Texts and signs of a valid JSON; all else between them is numbers, words and white space. */
const TOKEN = /"(?:[^"\\]+|\\.)*"|[{}[\],:]/g;

function findMemberTwice(text: string): readonly string[] | null {
  const names = createMemberNames();
  let last = '';
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') names.open(token === '{');
    else if (token === '}' || token === ']') names.close();
    else if (token === ',') names.next();
    else if (token !== ':') last = token;
    else if (!names.name(JSON.parse(last) as string)) return names.path();
  }
  return null;
}

export interface MemberNames {
  /** An object, or else an array, begins. */
  open(isObject: boolean): void;
  close(): void;
  /** A comma: the next element of an array. */
  next(): void;
  /** A member of the innermost object; false where it has one of that name. */
  name(name: string): boolean;
  /** Names of members and places in arrays, from 0, that lead to what is being read. */
  path(): readonly string[];
}

/** Follows the objects of a JSON as it is read. */
export function createMemberNames(): MemberNames {
  const levels: { names: Set<string> | null; at: string | number }[] = [];
  return {
    open(isObject) {
      levels.push(isObject ? { names: new Set(), at: '' } : { names: null, at: 0 });
    },
    close() {
      levels.pop();
    },
    next() {
      const level = levels.at(-1);
      if (typeof level?.at === 'number') level.at += 1;
    },
    name(name) {
      const level = levels.at(-1);
      if (!level?.names) return true;
      level.at = name;
      const isNew = !level.names.has(name);
      level.names.add(name);
      return isNew;
    },
    path: () => levels.map(({ at }) => String(at)),
  };
}
