import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import ts from 'typescript';

import type { Mutant } from './mutant';

export interface Mutation {
  /** Relative to the root. */
  file: string;
  /** The whole file, changed. */
  text: string;
}

interface Span {
  from: number;
  to: number;
}

/**
 * Changes a mutant's text in its declaration, found by name and not by line.
 * @throws Error that says what is not found exactly once: the mutant no longer applies and must follow the code.
 */
export function mutate(root: string, mutant: Mutant): Mutation {
  const fail = (why: string): never => {
    throw new Error(`The mutant "${mutant.name}" no longer applies: ${why}.`);
  };
  const { place } = mutant;
  const file = 'file' in place ? place.file : (newestMigrationWith(root, place.sql) ?? fail(`no "${place.sql}"`));
  const text = readFileSync(join(root, file), 'utf8');
  const spans = 'file' in place ? declarationsOf(file, text, place.of) : statementsOf(text, place.sql).slice(-1);
  const [span, second] = spans;
  if (!span || second)
    return fail(`${file} has ${spans.length} declarations "${'of' in place ? place.of : place.sql}"`);
  const declaration = text.slice(span.from, span.to);
  const count = declaration.split(mutant.find).length - 1;
  if (count !== 1) fail(`its text stands ${count} times in its place in ${file}`);
  const changed = declaration.replace(mutant.find, () => mutant.replace);
  if (changed === declaration) fail('it changes nothing');
  return { file, text: text.slice(0, span.from) + changed + text.slice(span.to) };
}

/** Functions, methods, constants and properties of that name, whatever they stand in. */
function declarationsOf(file: string, text: string, name: string): Span[] {
  const spans: Span[] = [];
  const visit = (node: ts.Node): void => {
    const isDeclaration =
      ts.isFunctionDeclaration(node) ||
      ts.isMethodDeclaration(node) ||
      ts.isVariableDeclaration(node) ||
      ts.isPropertyAssignment(node);
    if (isDeclaration && node.name?.getText() === name) spans.push({ from: node.getStart(), to: node.getEnd() });
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return spans;
}

function newestMigrationWith(root: string, sql: string): string | null {
  const files = readdirSync(join(root, 'migrations')).sort().reverse();
  const newest = files.find(
    (name) => statementsOf(readFileSync(join(root, 'migrations', name), 'utf8'), sql).length > 0,
  );
  return newest ? `migrations/${newest}` : null;
}

/** Statements that begin so, up to their semicolon; that of a function follows its body. */
function statementsOf(text: string, sql: string): Span[] {
  const begin = sql.startsWith('function ')
    ? new RegExp(`^create (or replace )?${escape(sql)}\\(`, 'gm')
    : new RegExp(`^${escape(sql)}\\b`, 'gm');
  return [...text.matchAll(begin)].map(({ index }) => {
    const end = /^create (or replace )?function /.test(text.slice(index)) ? /\$\$;/g : /;$/gm;
    end.lastIndex = index;
    return { from: index, to: end.exec(text) ? end.lastIndex : text.length };
  });
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
