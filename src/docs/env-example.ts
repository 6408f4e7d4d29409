import { CONFIG_SCHEMA } from '../config';

/** `.env.example`: every variable with what it means; those that have a default show it in a comment. */
export function envExample(): string {
  const variables = Object.entries(CONFIG_SCHEMA.shape).map(([name, schema]) => {
    const meaning = wrap(schema.description ?? '');
    const unset = schema.safeParse(undefined);
    if (!unset.success) return `${meaning}\n# Required.\n${name}=`;
    return `${meaning}\n# ${name}=${unset.data === undefined ? '' : String(unset.data)}`;
  });
  return [
    '# Configuration of the api, worker and ops processes. Made by `npm run docs` from src/config.ts.',
    '# A commented variable shows its default; an empty one counts as unset. MASTER_KEY or MASTER_KEY_FILE must be set.',
    '',
    variables.join('\n\n'),
    '',
  ].join('\n');
}

function wrap(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + word.length < 118) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(`# ${word}`);
  }
  return lines.join('\n');
}
