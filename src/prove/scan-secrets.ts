import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { Pool } from 'pg';

import { findCanaries } from './canary-scan';

export interface SecretsScanOptions {
  /** What may be found nowhere. */
  secrets: readonly string[];
  /** Personal data: also allowed in the merchant's own answers and webhooks, and in `PERSONAL_COLUMNS`. */
  personal: readonly string[];
  logDirectory: string;
  /** Logs of the provider's side, which know its own PINs and customers. */
  ignoredLogs: readonly string[];
  /** What only the merchant sees. */
  answers: readonly string[];
  /** Refusals, metrics, output of commands. */
  texts: readonly string[];
  pool: Pool;
  temporalAddress: string;
}

export interface SecretsScan {
  /** Bytes that were looked through. */
  bytes: number;
  /** Where a secret lay, without the secret. */
  found: readonly string[];
}

/** Columns that hold a recipient's number on purpose. */
const PERSONAL_COLUMNS = ['payouts.recipient_msisdn'];

/** Looks for the marked values in logs, answers, metrics, raw histories, search attributes and every database column. */
export async function scanForSecrets(options: SecretsScanOptions): Promise<SecretsScan> {
  const { secrets, personal, pool } = options;
  const all = [...secrets, ...personal];
  const found: string[] = [];
  let bytes = 0;
  const look = (where: string, text: Buffer | string, canaries: readonly string[] = all): void => {
    bytes += text.length;
    if (findCanaries(text, canaries).length > 0) found.push(where);
  };
  assertThatItFinds(all);

  for (const file of readdirSync(options.logDirectory)) {
    if (options.ignoredLogs.includes(file)) continue;
    const lines = new Set(readFileSync(join(options.logDirectory, file), 'utf8').split('\n'));
    for (const line of lines) look(`log ${file}`, line);
  }
  for (const answer of new Set(options.answers)) look('an answer to the merchant', answer, secrets);
  for (const text of new Set(options.texts)) look('a refusal, a metric or a command', text);
  for await (const { where, raw } of rawHistories(options.temporalAddress)) look(where, raw);
  for (const { column, value } of await readColumns(pool)) {
    look(`column ${column}`, value, PERSONAL_COLUMNS.includes(column) ? secrets : all);
  }
  return { bytes, found: [...new Set(found)] };
}

/** A scan that finds nothing proves nothing unless it would have found something. */
function assertThatItFinds(canaries: readonly string[]): void {
  for (const canary of canaries) {
    const planted = `{"msg":"planted","body":"${Buffer.from(`x${canary}`).toString('base64')}"}`;
    if (findCanaries(planted, [canary]).length === 0) throw new Error('the scan does not find what was planted');
  }
}

async function* rawHistories(address: string): AsyncGenerator<{ where: string; raw: Buffer }> {
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection });
    for await (const { workflowId, runId, raw } of client.workflow.list()) {
      const { history } = await connection.workflowService.getWorkflowExecutionHistory({
        namespace: 'default',
        execution: { workflowId, runId },
      });
      const { History } = proto.temporal.api.history.v1;
      const { SearchAttributes } = proto.temporal.api.common.v1;
      yield { where: `history of ${workflowId}`, raw: Buffer.from(History.encode(history ?? {}).finish()) };
      yield {
        where: `search attributes of ${workflowId}`,
        raw: Buffer.from(SearchAttributes.encode(raw.searchAttributes ?? {}).finish()),
      };
    }
  } finally {
    await connection.close();
  }
}

async function readColumns(pool: Pool): Promise<readonly { column: string; value: string }[]> {
  const { rows } = await pool.query<{ table_name: string; column_name: string }>(
    `select table_name, column_name from information_schema.columns where table_schema = 'public'`,
  );
  const columns: { column: string; value: string }[] = [];
  for (const { table_name: table, column_name: column } of rows) {
    const values = await pool.query<{ value: string | null }>(
      `select string_agg(distinct "${column}"::text, ' ') as value from "${table}"`,
    );
    columns.push({ column: `${table}.${column}`, value: values.rows[0]?.value ?? '' });
  }
  return columns;
}
