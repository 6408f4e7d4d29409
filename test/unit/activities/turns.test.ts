import { setImmediate as tick } from 'node:timers/promises';

import { createTurns } from '../../../src/activities/lines/turns';

/** Work that goes on until it is let go. */
function createWork() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    begun,
    begin: (name: string) => () =>
      new Promise<void>((resolve) => {
        begun.push(name);
        ends.set(name, resolve);
      }),
    async end(name: string): Promise<void> {
      ends.get(name)?.();
      await tick();
    },
  };
}

test('lets so many of one name go on at once, the others in the order in which they came', async () => {
  const inTurn = createTurns(2);
  const work = createWork();
  const all = ['a', 'b', 'c', 'd'].map((name) => inTurn('bulk', work.begin(name)));
  await tick();
  expect(work.begun).toEqual(['a', 'b']);
  await work.end('b');
  expect(work.begun).toEqual(['a', 'b', 'c']);
  await work.end('a');
  expect(work.begun).toEqual(['a', 'b', 'c', 'd']);
  await work.end('c');
  await work.end('d');
  await Promise.all(all);
});

test('keeps no name waiting for another one', async () => {
  const inTurn = createTurns(1);
  const work = createWork();
  const all = ['a', 'b'].map((name) => inTurn(name, work.begin(name)));
  await tick();
  expect(work.begun).toEqual(['a', 'b']);
  await work.end('a');
  await work.end('b');
  await Promise.all(all);
});

test('gives the turn on where the work fails', async () => {
  const inTurn = createTurns(1);
  await expect(inTurn('bulk', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(inTurn('bulk', () => Promise.resolve('yes'))).resolves.toBe('yes');
});
