import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { COMMANDS } from '../../src/ops/commands';
import { findLookCommand } from '../../src/ops/look/commands';

const PAGE = readFileSync(path.join(__dirname, '../../docs/runbook.md'), 'utf8');

/** Every call of the operator's commands on the page, as words. */
const RECIPES = [...PAGE.matchAll(/npm run ops -- ([^`\n|]+)/g)].map(([, words = '']) =>
  words.replace(/ < .*$/, '').trim(),
);

describe('The runbook', () => {
  test('needs no SQL: every recipe is a command', () => {
    expect(PAGE).not.toMatch(/```sql|`(select|update|insert|delete) /i);
    expect(RECIPES.length).toBeGreaterThan(30);
  });

  test.each([...new Set(RECIPES)])('names a command that there is: %s', (recipe) => {
    const [name = '', ...args] = recipe.match(/"[^"]*"|\S+/g) ?? [];
    const command = findLookCommand(name, args) ?? COMMANDS[name];
    expect(command).toBeDefined();
    const given = args.filter((word) => word !== '…');
    expect(() =>
      parseArgs({ args: given, allowPositionals: true, strict: true, options: command?.options }),
    ).not.toThrow();
  });
});
