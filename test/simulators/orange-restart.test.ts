import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LedgerReport, OrangeSimulator, TransactionsReport } from '../../src/simulators/orange';
import { clientOf, eventually, PIN, RETAILER, startSimulator, type OrangeClient } from './orange-client';
import { compileSimulator, startSimulatorProcess } from './simulator-process';

let folder: string;
let journalPath: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orange-'));
  journalPath = join(folder, 'journal.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The client needs an address only; control goes over /_sim as it must with another process. */
function clientAt(url: string): OrangeClient {
  return clientOf({ url } as OrangeSimulator);
}

async function sim<T>(url: string, path: string): Promise<T> {
  return (await (await fetch(`${url}/_sim/${path}`)).json()) as T;
}

test('a simulator killed with SIGKILL goes on with its ledger, settlements, tokens, key and PIN tries', async () => {
  const entry = compileSimulator(folder);
  const env = {
    SIMULATOR_JOURNAL: journalPath,
    SIMULATOR_RATE_LIMIT_PER_MINUTE: 'off',
    SIMULATOR_TIMINGS: '{"pendingMs":700}',
  };
  const first = await startSimulatorProcess(entry, env);
  const before = clientAt(first.url);
  const paid = await before.cashIn('771234567', 'paid');
  const wrongPin = { partner: { idType: 'MSISDN', id: RETAILER, encryptedPinCode: await before.encrypt('0000') } };
  await before.cashIn('771234567', 'wrong', { body: await before.cashInBody('771234567', 'wrong', wrongPin) });
  const block = await before.encrypt(PIN);
  const body = await before.cashInBody('771234567', 'again', wrongPin);
  const pending = await before.cashIn('770010000', 'never-sent-with-wrong-pin', { body });
  const token = await before.token();
  expect([paid.body.status, pending.body.code]).toEqual(['SUCCESS', '2012']);
  const partner = { idType: 'MSISDN', id: RETAILER, encryptedPinCode: block };
  const inFlight = await before.cashIn('770002000', 'in-flight', {
    body: await before.cashInBody('770002000', 'in-flight', { partner }),
  });
  expect(inFlight.body.status).toBe('PENDING');
  await first.kill('SIGKILL');

  const second = await startSimulatorProcess(entry, env);
  const after = clientAt(second.url);
  const headers = { Authorization: `Bearer ${token}` };
  const again = await after.cashIn('771234567', 'after', {
    headers,
    body: await after.cashInBody('771234567', 'after', { partner }),
  });
  expect(again.body.status).toBe('SUCCESS');
  await eventually(async () => (await after.status(inFlight.body.transactionId)) === 'SUCCESS');
  const ledger = await sim<LedgerReport>(second.url, 'ledger');
  expect(ledger.credits.map(({ reference }) => reference).sort()).toEqual(['after', 'in-flight', 'paid']);
  expect([ledger.sumsToZero, ledger.inFlight, ledger.balances[RETAILER]]).toEqual([true, 0, 100_000_000 - 3 * 1500]);
  const { references } = await sim<TransactionsReport>(second.url, 'transactions');
  expect(references.map(({ reference, requests }) => [reference, requests])).toContainEqual(['again', 1]);
  const ids = (await after.search('size=10')).map((row) => row.transactionId);
  expect(new Set(ids).size).toBe(3);
  expect(await second.kill('SIGTERM')).toBe(0);
});

test('a process with wrong configuration names every wrong variable and ends with 1', async () => {
  const entry = compileSimulator(folder);
  const { spawnSync } = await import('node:child_process');
  const run = spawnSync(process.execPath, [entry], {
    env: { SIMULATOR_PORT: 'x', SIMULATOR_FAULTS: '{' },
    encoding: 'utf8',
  });
  expect(run.status).toBe(1);
  expect(run.stderr).toContain('SIMULATOR_PORT must be a number\nSIMULATOR_FAULTS must be JSON');
});

test('a journal whose last line was cut off is read up to there, and written on', async () => {
  const first = await startSimulator({ journalPath });
  await first.cashIn('771234567', 'one');
  await first.simulator.close();
  appendFileSync(journalPath, '{"e":"row","row":{"transac');
  const second = await startSimulator({ journalPath });
  await second.cashIn('771234567', 'two');
  await second.simulator.close();
  const third = await startSimulator({ journalPath });
  expect(third.simulator.ledger().credits.map(({ reference }) => reference)).toEqual(['one', 'two']);
  await third.simulator.close();
});

test('money is journalled before the answer leaves', async () => {
  const client = await startSimulator({ journalPath });
  client.simulator.hold({ point: 'after_move' });
  const answer = client.cashInOrLost('771234567', 'held');
  await eventually(() => client.simulator.holds().after_move.blocked.length === 1);
  expect(readFileSync(journalPath, 'utf8')).toContain('"reference":"held","bulkId":null');
  await client.simulator.close();
  expect(await answer).toBe('lost');
});

test('a reset journal forgets cash-ins but keeps the key and the tokens', async () => {
  const first = await startSimulator({ journalPath });
  const block = await first.encrypt(PIN);
  await first.cashIn('771234567', 'one');
  await fetch(`${first.simulator.url}/_sim/reset`, { method: 'POST' });
  await first.simulator.close();
  const second = await startSimulator({ journalPath });
  const partner = { idType: 'MSISDN', id: RETAILER, encryptedPinCode: block };
  const headers = { Authorization: `Bearer ${await first.token()}` };
  const answer = await second.cashIn('771234567', 'two', {
    headers,
    body: await second.cashInBody('771234567', 'two', { partner }),
  });
  expect(answer.body.status).toBe('SUCCESS');
  expect(second.simulator.ledger().credits.map(({ reference }) => reference)).toEqual(['two']);
  await second.simulator.close();
});
