import { readFileSync } from 'node:fs';
import { z } from 'zod';

const schema = z.object({
  merchantKey: z.string(),
  personKeys: z.tuple([z.string(), z.string()]),
  operatorKeys: z.tuple([z.string(), z.string()]),
  webhookSecret: z.string(),
});

/**
 * What the seeding made for development: keys of the sandbox merchant's system, of two of its persons and of two operators,
 * and the endpoint's secret.
 */
export type DevKeys = z.infer<typeof schema>;

/** @throws Error when the file is missing or holds something else. */
export function readDevKeys(path: string): DevKeys {
  return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
}
