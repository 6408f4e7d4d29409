import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { MUTANTS } from '../../mutants/catalogue';
import { RULES } from '../../mutants/mutant';
import { mutate } from '../../mutants/mutate';
import { parseMutantsCommand } from '../../mutants/options';

const ROOT = join(__dirname, '..', '..');

describe('the mutants of the rules of money', () => {
  test.each(MUTANTS.map((mutant) => [mutant.rule, mutant.name, mutant] as const))(
    '%s: %s: applies',
    (_, name, mutant) => {
      expect(mutate(ROOT, mutant).text).toContain(mutant.replace);
      for (const { file } of mutant.tests) {
        expect([name, file, existsSync(join(ROOT, 'test', `${file}.test.ts`))]).toEqual([name, file, true]);
      }
    },
  );

  test('have names of their own, and every rule that has code has some', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
    expect(new Set(MUTANTS.map(({ rule }) => rule))).toEqual(new Set(RULES));
  });

  test('fail loudly where their text or their place is gone, or stands twice', () => {
    const mutant = MUTANTS[0]!;
    expect(() => mutate(ROOT, { ...mutant, find: 'no such text' })).toThrow(
      /no longer applies: its text stands 0 times/,
    );
    expect(() => mutate(ROOT, { ...mutant, find: 'a' })).toThrow(/no longer applies: its text stands \d+ times/);
    expect(() => mutate(ROOT, { ...mutant, place: { file: 'src/db/pool.ts', of: 'nothing' } })).toThrow(
      /no longer applies: src\/db\/pool.ts has 0 declarations "nothing"/,
    );
    expect(() => mutate(ROOT, { ...mutant, place: { sql: 'function no_such_function' } })).toThrow(
      /no longer applies: no "function no_such_function"/,
    );
  });

  test('change the newest definition of a database function', () => {
    const mutant = { ...MUTANTS[0]!, place: { sql: 'function open_hold' }, find: 'open_holds', replace: 'open_none' };
    expect(mutate(ROOT, mutant).file).toBe('migrations/0015_holds_together.sql');
  });

  test('are each in one part of N', () => {
    const parts = [1, 2, 3].map((k) => parseMutantsCommand(['--part', `${k}/3`], MUTANTS).mutants);
    expect(new Set(parts.flat())).toEqual(new Set(MUTANTS));
    expect(parts.flat()).toHaveLength(MUTANTS.length);
    for (const part of ['0/3', '4/3', '1', 'a/b']) {
      expect(() => parseMutantsCommand(['--part', part], MUTANTS)).toThrow('is not K/N');
    }
    expect(() => parseMutantsCommand(['--only', 'nothing'], MUTANTS)).toThrow('no mutant is called "nothing"');
  });
});
