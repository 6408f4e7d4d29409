import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/**
 * Sets what the file .env of the working folder names and the environment does not, and says which: who forgot the file
 * must not wonder where a value comes from. Names only, a value may be a secret.
 */
export function readEnvFile(file = '.env') {
  if (!existsSync(file)) return;
  const variables = Object.entries(parseEnv(readFileSync(file, 'utf8')));
  const taken = variables.filter(([name]) => process.env[name] === undefined);
  for (const [name, value] of taken) process.env[name] = value;
  const kept = variables.filter((variable) => !taken.includes(variable));
  const names = (list) => list.map(([name]) => name).join(', ');
  if (taken.length > 0) console.error(`${file}: read ${names(taken)}`);
  if (kept.length > 0) console.error(`${file}: not read, since the environment has them: ${names(kept)}`);
}
