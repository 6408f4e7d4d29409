import { spawn } from 'node:child_process';

/**
 * Runs a program to its end and keeps its output for the error.
 * @throws Error with the beginning and the end of the output when it fails; `output` holds all of it.
 */
export async function runQuietly(command, args, options) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const passOn = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, passOn);
  const failure = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) =>
      resolve(code === 0 ? undefined : `ended with ${signal ?? `exit code ${code}`}`),
    );
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.removeListener(signal, passOn);
  if (failure === undefined) return;
  const lines = output.trimEnd().split('\n');
  const shown = lines.length > 40 ? [...lines.slice(0, 20), '…', ...lines.slice(-20)] : lines;
  throw Object.assign(new Error(`${command} ${args.join(' ')}: ${failure}\n${shown.join('\n')}`), { output });
}
