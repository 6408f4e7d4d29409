import { transformFileSync } from '@swc/core';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = join(__dirname, '../..');

export interface SimulatorProcess {
  readonly url: string;
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

/** Compiles the process entry into a folder of the test's own, so that no build is needed. Returns the entry's path. */
export function compileSimulator(into: string): string {
  const source = join(ROOT, 'src');
  for (const file of [join(source, 'main-simulator.ts'), ...filesUnder(join(source, 'simulators'))]) {
    const { code } = transformFileSync(file, {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'commonjs' },
    });
    const target = join(into, relative(source, file).replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code);
  }
  symlinkSync(join(ROOT, 'node_modules'), join(into, 'node_modules'));
  return join(into, 'main-simulator.js');
}

export async function startSimulatorProcess(entry: string, env: Record<string, string>): Promise<SimulatorProcess> {
  const child = spawn(process.execPath, [entry], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { listening } = JSON.parse(line) as { listening: string };
  return { url: listening, kill: (signal) => killed(child, signal) };
}

async function killed(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const exit = once(child, 'exit') as Promise<[number | null]>;
  child.kill(signal);
  const [code] = await exit;
  return code;
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? filesUnder(path) : [path]))
    .filter((path) => path.endsWith('.ts'));
}
