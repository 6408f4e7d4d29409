import { parseArgs } from 'node:util';

import type { Mutant } from './mutant';

export interface MutantsCommand {
  /** Those that are to be tried. */
  mutants: readonly Mutant[];
  /** Only names them. */
  list: boolean;
}

/** @throws Error that names a flag that does not exist or a value that is none. */
export function parseMutantsCommand(args: readonly string[], all: readonly Mutant[]): MutantsCommand {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      part: { type: 'string' },
      list: { type: 'boolean', default: false },
    },
  });
  for (const name of values.only) {
    if (!all.some((mutant) => mutant.name === name))
      throw new Error(`--only: no mutant is called "${name}". npm run mutants -- --list names all.`);
  }
  const named = values.only.length === 0 ? all : all.filter(({ name }) => values.only.includes(name));
  return { mutants: values.part === undefined ? named : partOf(named, values.part), list: values.list };
}

/** Part K of N takes every Nth one: each rule's mutants stand together, and each part meets most rules. */
function partOf(mutants: readonly Mutant[], part: string): readonly Mutant[] {
  const [, k, n] = /^([1-9]\d*)\/([1-9]\d*)$/.exec(part) ?? [];
  if (k === undefined || n === undefined || Number(k) > Number(n))
    throw new Error(`--part: "${part}" is not K/N with K from 1 to N.`);
  return mutants.filter((_mutant, index) => index % Number(n) === Number(k) - 1);
}
