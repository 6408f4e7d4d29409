// What every npm script calls: does the set-up that is missing, then runs the command. Needs nothing installed but Node.
import { spawn } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildIfStale } from './build.mjs';
import { checkNodeVersion, installIfStale } from './install.mjs';
import { readEnvFile } from './env-file.mjs';
import { withSetUpLock } from './set-up-lock.mjs';
import { START_HELP } from './start-help.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Commands of ours: the built file that runs in this very process, so that signals and exit codes are its own. */
const PROGRAMS = ['start', 'api', 'worker', 'migrate', 'ops', 'temporal-setup', 'docs', 'simulator', 'prove', 'bulk'];

/** Of them those that work on an installation, which the file .env may describe. */
const READS_ENV_FILE = ['start', 'api', 'worker', 'migrate', 'ops', 'temporal-setup', 'bulk'];

/** Commands in a process of their own: the file that runs, its arguments, Node's own, and whether it needs the build. */
const TOOLS = {
  test: { file: 'node_modules/jest/bin/jest.js', args: [], needsBuild: true },
  'kill-matrix': {
    file: 'node_modules/jest/bin/jest.js',
    args: ['--config', 'jest.kill-matrix.config.mjs'],
    needsBuild: true,
  },
  replay: { file: 'node_modules/jest/bin/jest.js', args: ['test/replay'], needsBuild: true },
  bench: {
    file: 'bench/main.ts',
    node: ['--require', './tools/run-typescript.cjs'],
    args: [],
    needsBuild: true,
  },
  mutants: { file: 'mutants/main.ts', node: ['--require', './tools/run-typescript.cjs'], args: [], needsBuild: false },
  lint: { file: 'node_modules/eslint/bin/eslint.js', args: ['.'], needsBuild: false },
  typecheck: { file: 'node_modules/typescript/bin/tsc', args: ['-p', 'tsconfig.json'], needsBuild: false },
};

async function main(command, args) {
  checkNodeVersion(ROOT);
  const tool = TOOLS[command];
  const isProgram = PROGRAMS.includes(command);
  if (!tool && !isProgram && command !== 'build') {
    throw new Error(
      `Unknown command "${command ?? ''}". Known: ${[...PROGRAMS, ...Object.keys(TOOLS), 'build'].join(', ')}.`,
    );
  }
  if (command === 'start' && args.some((arg) => arg === '--help' || arg === '-h')) {
    console.log(START_HELP);
    return;
  }
  process.chdir(ROOT);
  if (READS_ENV_FILE.includes(command)) readEnvFile();
  await withSetUpLock(ROOT, async () => {
    await installIfStale(ROOT);
    if (isProgram || command === 'build' || tool?.needsBuild) await buildIfStale(ROOT);
  });
  if (isProgram) {
    process.setSourceMapsEnabled(true);
    const file = resolve(ROOT, 'dist', `main-${command}.js`);
    process.argv = [process.execPath, file, ...args];
    await import(pathToFileURL(file).href);
  } else if (tool) {
    runTool(tool, args);
  }
}

/** Runs a program and ends with its exit code; a signal is passed on, and its end waited for. */
function runTool({ file, node = [], args: fixed }, args) {
  const child = spawn(process.execPath, [...node, resolve(ROOT, file), ...fixed, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 1;
    if (signal) console.error(`${file} was ended by ${signal}.`);
  });
}

main(process.argv[2], process.argv.slice(3)).catch((error) => {
  console.error(`\n${error.message}`);
  process.exitCode = 1;
});
