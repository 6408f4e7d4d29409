import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';

import { parse } from 'csv-parse/sync';

import { describeAmount } from '../bulk-client/amounts';
import { createBulkApi } from '../bulk-client/api';
import type { BulkView } from '../bulk-client/api-views';
import { progressWords } from '../bulk-client/progress-line';
import { groupWords, LINE_GROUP_NAMES, tally } from '../bulk-client/tally';
import { watchBulk } from '../bulk-client/watch-bulk';
import { createRunReader } from './run-steps';
import type { Stack } from './stack';
import type { Print } from './steps';

const LINES = 12;

/** The line that the simulator refuses, so that the result shows both. */
const REFUSED_LINE = 8;

/** Longer than a healthy bulk of this size takes on a slow machine. */
const PATIENCE_MS = 90_000;

/** Numbers of the simulator's table: paid at once, or no such customer. Amounts differ from line to line. */
export function demoFile(): { csv: string; total: number } {
  const amounts = Array.from({ length: LINES }, (_, index) => 1_000 + 250 * index);
  const rows = amounts.map((amount, index) => {
    const scenario = index + 1 === REFUSED_LINE ? '770020' : '770001';
    const recipient = `${scenario}${String(index + 1).padStart(3, '0')}`;
    return `${amount};XOF;orange_sn;${recipient};awa@example.com;Awa;Ndiaye;Salary of May`;
  });
  const csv = ['amount;currency;method;msisdn;email;first_name;last_name;description', ...rows, ''].join('\n');
  return { csv, total: amounts.reduce((sum, amount) => sum + amount, 0) };
}

/**
 * Sends a small bulk as CSV and prints how it goes, what became of its lines, and where to look further.
 * @returns true when all lines but the refused one were paid.
 */
export async function runBulkDemo(stack: Stack, print: Print): Promise<boolean> {
  const { apiUrl, keys } = stack;
  const startedAt = Date.now();
  const say = (line: string): void => {
    print(`  ${((Date.now() - startedAt) / 1000).toFixed(2).padStart(6)} s  ${line}`);
  };
  const { csv, total } = demoFile();
  print(`A file of ${LINES} payouts, sent as one bulk:`);
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const api = createBulkApi({ url: apiUrl, key: keys.merchantKey, signal: patience });
  const answer = await api.upload({
    body: () => csv,
    mediaType: 'text/csv',
    options: {
      declared_count: String(LINES),
      declared_total: String(total),
      // The demonstration pays the same people at every start.
      allow_duplicates: Array.from({ length: LINES }, (_, index) => index + 1).join(','),
    },
    idempotencyKey: randomUUID(),
  });
  if (answer.kind !== 'accepted') throw new Error('The bulk was only checked.');
  const { bulk: accepted } = answer;
  const { id } = accepted;
  say(`http      202 Accepted, ${id}, ${describeAmount(BigInt(total), 'XOF')}`);
  const bulk = await watch();
  const { lines, amounts } = tally(bulk.progress);
  const groups = LINE_GROUP_NAMES.filter((group) => lines[group] > 0);
  const sums = groups.map((each) => `${groupWords(each)} ${lines[each]} (${describeAmount(amounts[each], 'XOF')})`);
  print(`\nFinal state: ${bulk.state}. Lines: ${sums.join(', ')}.`);
  for (const row of patience.aborted ? [] : await failedRows()) {
    print(
      `Line ${row['line'] ?? ''} ${row['state'] ?? ''}: ${row['provider_code'] ?? ''} ${row['provider_text'] ?? ''}`,
    );
  }
  await printLinks(stack, id, print);
  return bulk.state === 'completed' && lines.paid === LINES - 1 && lines.failed === 1;

  /** To its end, or as far as it came while there was patience. */
  async function watch(): Promise<BulkView> {
    let last: BulkView = accepted;
    let told = '';
    try {
      for await (const news of watchBulk(api, id, { signal: patience, giveUpAfterMs: Infinity })) {
        if (news.kind !== 'bulk') continue;
        last = news.bulk;
        const words = progressWords(last);
        if (words !== told) say(`bulk      ${words}`);
        told = words;
      }
    } catch (error) {
      if (!patience.aborted) throw error;
    }
    return last;
  }

  async function failedRows(): Promise<Record<string, string>[]> {
    const file = await text(api.download(id, 'result.csv', 'programs'));
    const rows: Record<string, string>[] = parse(file, { columns: true });
    return rows.filter(({ state }) => state === 'failed');
  }
}

async function printLinks(stack: Stack, id: string, print: Print): Promise<void> {
  const { apiUrl, temporalUiUrl, temporalAddress, temporalNamespace, keys } = stack;
  const workflowId = `bulk/${id}`;
  const run = await createRunReader(temporalAddress, temporalNamespace, workflowId);
  const runId = await run.runId().finally(() => run.close());
  if (temporalUiUrl !== undefined && runId !== undefined) {
    const path = `/namespaces/${temporalNamespace}/workflows/${encodeURIComponent(workflowId)}/${runId}/history`;
    print(`\nIts workflow    ${temporalUiUrl}${path}`);
  }
  print(
    `Its result      curl -sS ${apiUrl}/v1/bulk-cash-ins/${id}/result.csv -H 'Authorization: Bearer ${keys.merchantKey}'`,
  );
  print('A file of yours npm run bulk -- FILE.csv   (a form to fill in: npm run bulk -- --template)\n');
}
