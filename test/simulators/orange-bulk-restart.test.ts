import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BulkReport, LedgerReport, OrangeSimulator, TransactionsReport } from '../../src/simulators/orange';
import { bulk, bulkIdOf, creditedLines, lastBulk, plain, postBulk, linesTo } from './bulk-client';
import { clientOf, eventually, PIN, RETAILER, startSimulator } from './orange-client';
import { compileSimulator, startSimulatorProcess } from './simulator-process';

let folder: string;
let journalPath: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orange-'));
  journalPath = join(folder, 'journal.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function sim<T>(url: string, path: string): Promise<T> {
  return (await (await fetch(`${url}/_sim/${path}`)).json()) as T;
}

test('a batch under way when its process is killed with SIGKILL goes on, each line once, and reports its end', async () => {
  const callbacks: string[] = [];
  const receiver = createServer((req, res) => {
    callbacks.push(req.url ?? '');
    req.resume();
    res.writeHead(202).end();
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const { port } = receiver.address() as AddressInfo;
  const entry = compileSimulator(folder);
  const env = {
    SIMULATOR_JOURNAL: journalPath,
    SIMULATOR_RATE_LIMIT_PER_MINUTE: 'off',
    SIMULATOR_BULK: '{"processingMs":50,"itemMs":100}',
    SIMULATOR_TIMINGS: '{"pendingMs":100}',
    SIMULATOR_HTTPS_HOST_MAP: `{"callbacks.cauri.test":"http://127.0.0.1:${port}"}`,
  };
  const recipients = ['770010000', '770083000', ...plain(48)];
  const first = await startSimulatorProcess(entry, env);
  const bulkId = bulkIdOf(await bulk(clientOf({ url: first.url } as OrangeSimulator), recipients));
  await eventually(async () => (await sim<BulkReport[]>(first.url, 'bulks'))[0]!.processed > 5);
  await first.kill('SIGKILL');
  expect(callbacks).toEqual([]);
  expect(readFileSync(journalPath, 'utf8').match(/"e":"bulk_line"/g)!.length).toBeLessThan(50);

  const second = await startSimulatorProcess(entry, env);
  const [resumed] = await sim<BulkReport[]>(second.url, 'bulks');
  expect(resumed).toMatchObject({ bulkId, answer: '200 PENDING', taken: 50 });
  await eventually(() => callbacks.length > 0);
  const { transactions, references } = await sim<TransactionsReport>(second.url, 'transactions');
  expect(references.map(({ reference, requests, credited }) => [reference, requests, credited])).toEqual(
    recipients.map((_, index) => [`line-${index}`, 1, [0, 3_000][index] ?? 1_500]),
  );
  expect(transactions).toHaveLength(51);
  expect(new Set(transactions.map((row) => row.transactionId)).size).toBe(51);
  expect(transactions.every((row) => row.bulkId === bulkId)).toBe(true);
  const ledger = await sim<LedgerReport>(second.url, 'ledger');
  expect([ledger.sumsToZero, ledger.inFlight, ledger.balances[RETAILER]]).toEqual([true, 0, 100_000_000 - 50 * 1_500]);
  const rows = await clientOf({ url: second.url } as OrangeSimulator).search(`bulkId=${bulkId}&size=500`);
  expect(rows).toHaveLength(51);
  expect(await second.kill('SIGTERM')).toBe(0);

  const third = await startSimulatorProcess(entry, env);
  expect((await sim<BulkReport[]>(third.url, 'bulks'))[0]).toMatchObject({ bulkId, processed: 50 });
  expect(await third.kill('SIGTERM')).toBe(0);
  expect(callbacks).toEqual(['/bulk/chunk-1?a=b']);
  receiver.close();
});

test('a batch is journalled before its answer leaves, without a PIN of any line', async () => {
  const client = await startSimulator({ journalPath, bulk: { processingMs: 60_000 } });
  client.simulator.hold({ point: 'after_bulk' });
  const lines = await linesTo(client, plain(2));
  const answer = postBulk(client, lines).catch(() => 'lost');
  await eventually(() => client.simulator.holds().after_bulk.blocked.length === 1);
  const journal = readFileSync(journalPath, 'utf8');
  await client.simulator.close();
  expect(await answer).toBe('lost');
  const taken = journal.split('\n').filter((line) => line.startsWith('{"e":"bulk_'));
  expect(taken.map((line) => (JSON.parse(line) as { e: string }).e)).toEqual([
    'bulk_received',
    'bulk_scenario',
    'bulk_taken',
  ]);
  expect(taken.join()).toContain('"reference":"line-1"');
  expect(taken.join()).not.toContain(lines[0]!.partner.encryptedPinCode);
  // As a value: four digits alone may lie in a time stamp by chance.
  expect(taken.join()).not.toContain(JSON.stringify(PIN));

  const again = await startSimulator({ journalPath });
  expect(lastBulk(again)).toMatchObject({ taken: 2, processed: 0, answer: null });
  await again.simulator.close();
});

test('plans for batches to come, first recipients and what is over are kept', async () => {
  const first = await startSimulator({ journalPath, bulk: { processingMs: 0 } });
  await bulk(first, ['770133000']);
  first.simulator.planBulks({ bulks: [{ scenario: 'bulk_rejected' }, { scenario: 'bulk_500_before' }] });
  await bulk(first, plain(1));
  await first.simulator.close();

  const second = await startSimulator({ journalPath, bulk: { processingMs: 0 } });
  const answers = [await bulk(second, plain(1)), await bulk(second, ['770133000']), await bulk(second, ['770133000'])];
  expect(answers.map(({ status }) => status)).toEqual([500, 200, 200]);
  await eventually(() => lastBulk(second).endedAt !== null);
  expect(second.simulator.requests().bulksByScenario).toEqual({
    bulk_throttled_once: 1,
    bulk_rejected: 1,
    bulk_500_before: 1,
    bulk_default: 2,
  });
  expect(creditedLines(second)).toEqual(['line-0', 'line-0']);
  await second.simulator.close();
});
