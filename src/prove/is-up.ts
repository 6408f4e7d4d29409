import type { Pool } from 'pg';

import type { Stack } from '../start/stack';
import { isServing } from '../temporal/dev-server';
import type { KilledProcess } from './killer';

/** Whether the process that was started again does its work. */
export async function isUp(
  name: KilledProcess,
  { apiUrl, temporalAddress, environment }: Stack,
  pool: Pool,
): Promise<boolean> {
  switch (name) {
    case 'api':
      return await isReady(apiUrl);
    case 'worker':
      return await isReady(`http://127.0.0.1:${environment['METRICS_PORT'] ?? ''}`);
    case 'temporal':
      return await isServing(temporalAddress);
    case 'postgres':
      return await pool.query('select 1').then(
        () => true,
        () => false,
      );
    default:
      return name satisfies never;
  }
}

async function isReady(url: string): Promise<boolean> {
  return await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}
