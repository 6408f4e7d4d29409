import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { createApiKey } from '../../src/db/api-keys';
import { processStartTime } from '../../src/start/process-identity';
import { createRunFile } from '../../src/start/run-file';
import type { ScenarioName } from '../../src/simulators/orange';
import { loseAnswers } from '../helpers/answer-loss';
import { runBulkCommand } from '../helpers/bulk-command';
import type { BulkCommandRun } from '../helpers/bulk-command';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { verifyPersons } from '../helpers/persons';
import { findFreePort } from '../helpers/ports';
import { startProduct } from '../helpers/product';
import type { ProductProcess } from '../helpers/product';

jest.setTimeout(240_000);

const COLUMNS = 'amount;currency;method;msisdn;email;first_name;last_name;description';

interface Line {
  amount: number;
  recipient: string;
}

describe('npm run bulk', () => {
  let world: PayoutWorld;
  let api: ProductProcess;
  let worker: ProductProcess;
  let directory: string;
  let port: number;
  let key: string;

  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'cauri-bulk-'));
    world = await createPayoutWorld();
    // One that no outgoing connection can have while the API is away.
    port = await findFreePort();
    const tenant = { merchantId: world.merchantId, environment: 'sandbox' } as const;
    const subject = { kind: 'system', systemId: 'payroll', responsiblePersonId: 'per_shop' } as const;
    ({ key } = await createApiKey(world.pool, { role: 'merchant', ...tenant, subject }));
    worker = startProduct('worker', { ...world.env, ORANGE_SETTLEMENT_WINDOW_MS: '2000' });
    await startApi();
    await worker.port();
  });

  afterAll(async () => {
    await api.kill();
    await worker.kill('SIGTERM');
    await world.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function startApi(): Promise<void> {
    api = startProduct('api', { ...world.env, API_PORT: String(port) });
    await api.port();
  }

  function bulk(...args: string[]): BulkCommandRun {
    const url = args.includes('--api') ? [] : ['--api', `http://127.0.0.1:${port}`];
    return runBulkCommand([...args, ...url], { directory, env: { CAURI_API_KEY: key } });
  }

  function linesOf(...scenarios: ScenarioName[]): Line[] {
    return scenarios.map((scenario, index) => ({ amount: 1_000 + index, recipient: world.recipientOf(scenario) }));
  }

  function csv(name: string, lines: readonly Line[]): void {
    const rows = lines.map(
      ({ amount, recipient }) => `${amount};XOF;orange_sn;${recipient};awa@example.com;Awa;Ndiaye;Salary of May`,
    );
    writeFileSync(path.join(directory, name), [COLUMNS, ...rows, ''].join('\n'));
  }

  function read(name: string): string {
    return readFileSync(path.join(directory, name), 'utf8');
  }

  /** Minor units that reached each recipient, by the simulator's own ledger. */
  async function credits(lines: readonly Line[]): Promise<bigint[]> {
    return await Promise.all(lines.map(({ recipient }) => world.credited(recipient)));
  }

  const amountsOf = (lines: readonly Line[]): bigint[] => lines.map(({ amount }) => BigInt(amount));

  /** Column by name of each row of a result. */
  function column(name: string, of: string): string[] {
    const [head = '', ...rows] = read(name).trim().split('\r\n');
    const place = head.split(';').indexOf(of);
    return rows.map((row) => row.split(';')[place] ?? '');
  }

  async function bulksOf(merchantId: string): Promise<number> {
    const { rows } = await world.pool.query<{ bulks: number }>(
      "select count(*)::int as bulks from bulks where merchant_id = $1 and state <> 'invalid'",
      [merchantId],
    );
    return rows[0]!.bulks;
  }

  test('all paid: it says what it counted, writes the result and ends with 0; again it is the same bulk', async () => {
    const lines = linesOf('success', 'success', 'pending_success');
    csv('may.csv', lines);
    const first = bulk('may.csv');
    const [, id = ''] = await first.said(/Accepted: (bulk_\w+), 3 lines, 3,003 XOF/);
    expect(await first.exitCode).toBe(0);
    expect(first.output()).toMatch(/may\.csv: 3 lines, 3,003 XOF/);
    expect(first.output()).toMatch(/completed 100 % {2}paid 3\n/);
    expect(column('may.csv.result.csv', 'state')).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(await credits(lines)).toEqual(amountsOf(lines));

    const before = await bulksOf(world.merchantId);
    const second = bulk('may.csv');
    expect(await second.exitCode).toBe(0);
    expect(second.output()).toMatch(new RegExp(`accepted before, at .*, as ${id}: nothing was sent again`));
    expect(await bulksOf(world.merchantId)).toBe(before);
    expect(await credits(lines)).toEqual(amountsOf(lines));
    expect((await readdir(directory)).filter((name) => name.startsWith('may.'))).toEqual([
      'may.csv',
      'may.csv.result.csv',
    ]);
  });

  test('sent without waiting, and taken up by its id: lines that the provider refuses end it with 3', async () => {
    const lines = linesOf('success', 'customer_unknown', 'success');
    csv('june.csv', lines);
    const sent = bulk('june.csv', '--no-wait');
    const [, id = ''] = await sent.said(/npm run bulk -- --watch (bulk_\w+)/);
    expect(await sent.exitCode).toBe(0);

    const watched = bulk('--watch', id);
    expect(await watched.exitCode).toBe(3);
    expect(watched.output()).toMatch(/ paid +2 +2,002 XOF\n +failed +1 +1,001 XOF/);
    expect(column(`${id}.result.csv`, 'provider_code')[1]).toBe('2000');
    expect(column(`${id}.result.csv`, 'state')).toEqual(['succeeded', 'failed', 'succeeded']);
    expect(await credits(lines)).toEqual([1_000n, 0n, 1_002n]);
  });

  test('lines that nobody can tell of end it with 4, also beside failed ones', async () => {
    csv('july.csv', linesOf('success', 'customer_unknown', 'lost_unmoved'));
    const watched = bulk('july.csv');
    expect(await watched.exitCode).toBe(4);
    expect(watched.output()).toMatch(/in review +1 +1,002 XOF/);
  });

  test('nothing moves: it ends with 5, the reasons and the result so far, and is taken up again later', async () => {
    const lines = linesOf('success', 'success');
    csv('stuck.csv', lines);
    await world.pool.query(
      `insert into stops (id, scope, target, reason, stopped_by) values ('stop_stuck', 'merchant', $1, 'test', 'per_one')`,
      [world.merchantId],
    );
    const stuck = bulk('stuck.csv', '--give-up-after', '0.05');
    const [, id = ''] = await stuck.said(/Accepted: (bulk_\w+), 2 lines/);
    expect(await stuck.exitCode).toBe(5);
    expect(stuck.output()).toMatch(/queued, \w+: .*\(line 1, 2\)/);
    expect(column('stuck.csv.result.csv', 'state')).toEqual(['queued', 'queued']);

    await world.pool.query("update stops set resumed_at = now(), resumed_by = 'per_one' where id = 'stop_stuck'");
    await world.pool.query('update bulks set nudged = true, sweep_after = now() where id = $1', [id]);
    expect(await bulk('--watch', id, '--result', 'stuck.csv.result.csv').exitCode).toBe(0);
    expect(column('stuck.csv.result.csv', 'state')).toEqual(['succeeded', 'succeeded']);
    expect(await credits(lines)).toEqual(amountsOf(lines));
  });

  test('a second person lists what waits, and approves and refuses it, only with the file that was sent', async () => {
    const tenant = { merchantId: world.merchantId, environment: 'sandbox' } as const;
    await verifyPersons(world.pool, 'per_checker');
    const checker = await createApiKey(world.pool, {
      ...{ role: 'merchant', ...tenant },
      subject: { kind: 'person', personId: 'per_checker' },
    });
    const asChecker = (...args: string[]): BulkCommandRun => bulk(...args, '--key', checker.key);
    await world.pool.query('update merchants set approval_above_lines = 1 where id = $1', [world.merchantId]);
    const waiting = async (name: string, lines: readonly Line[]): Promise<string> => {
      csv(name, lines);
      const [, id = ''] = await bulk(name, '--no-wait').said(/--watch (bulk_\w+)/);
      return id;
    };
    const good = linesOf('success', 'success');
    const bad = linesOf('success', 'success');
    const [first, second] = [await waiting('good.csv', good), await waiting('bad.csv', bad)];
    await world.pool.query('update merchants set approval_above_lines = null where id = $1', [world.merchantId]);

    const list = asChecker('approvals');
    expect(await list.exitCode).toBe(0);
    expect(list.output()).toMatch(new RegExp(`${second}: 2 lines, 2,001 XOF, sent by api_key:.*, until `));
    expect(list.output()).toContain(first);
    expect(await asChecker('approve', first, '--file', 'bad.csv').exitCode).toBe(2);
    const approved = asChecker('approve', first, '--file', 'good.csv');
    expect(await approved.exitCode).toBe(0);
    expect(approved.output()).toMatch(new RegExp(`Approved: ${first} is running`));
    expect(await asChecker('refuse', second, '--reason', 'twice').exitCode).toBe(0);
    expect(await bulk('--watch', first).exitCode).toBe(0);
    expect(await bulk('--watch', second).exitCode).toBe(2);
    expect(await credits(good)).toEqual(amountsOf(good));
    expect(await credits(bad)).toEqual([0n, 0n]);
  });

  test('a file with errors: all of them as a table and as a file, nothing taken, and 2', async () => {
    const [good] = linesOf('success');
    csv('bad.csv', [good!, { amount: -5, recipient: '12' }, { amount: 7, recipient: 'nobody' }]);
    const before = await bulksOf(world.merchantId);
    const balances = await world.balances();
    const refused = bulk('bad.csv');
    expect(await refused.exitCode).toBe(2);
    expect(refused.output()).toMatch(/line +field +code +row +reference +value +what to change/);
    const rows = read('bad.csv.errors.csv').trim().split('\r\n').slice(1);
    expect(rows.map((row) => row.split(';').slice(0, 3).join(' ')).sort()).toEqual([
      '2 amount not_valid',
      '2 msisdn not_valid',
      '3 msisdn not_valid',
    ]);
    for (const row of rows) {
      const [line = '', field = '', code = ''] = row.split(';');
      expect(refused.output()).toMatch(new RegExp(`^ +${line} +${field} +${code} `, 'm'));
    }
    expect(await bulksOf(world.merchantId)).toBe(before);
    expect(await world.balances()).toEqual(balances);
    expect(await credits([good!])).toEqual([0n]);
  });

  test('bad lines left out are no success: 3, and their report is there', async () => {
    const [good] = linesOf('success');
    csv('some.csv', [{ amount: 5, recipient: '12' }, good!]);
    const sent = bulk('some.csv', '--on-invalid', 'skip');
    expect(await sent.exitCode).toBe(3);
    expect(sent.output()).toMatch(/left out +1/);
    expect(read('some.csv.errors.csv')).toMatch(/^1;msisdn;not_valid;/m);
    expect(column('some.csv.result.csv', 'state')).toEqual(['skipped', 'succeeded']);
    expect(await credits([good!])).toEqual([1_000n]);

    // Its result is known again by the first line that was taken.
    const again = bulk('some.csv', '--on-invalid', 'skip');
    expect(await again.exitCode).toBe(3);
    expect(again.output()).toMatch(/Result, line by line: some\.csv\.result\.csv\n/);
  });

  test('a dry run tells what would happen, and nothing is taken', async () => {
    const lines = linesOf('success', 'success');
    csv('dry.csv', lines);
    const before = await bulksOf(world.merchantId);
    const checked = bulk('dry.csv', '--dry-run');
    expect(await checked.exitCode).toBe(0);
    expect(checked.output()).toMatch(/float needed 2,001 XOF[\s\S]*would be accepted/);
    csv('dry.csv', [{ amount: 0, recipient: '12' }]);
    expect(await bulk('dry.csv', '--dry-run').exitCode).toBe(2);
    expect(await bulksOf(world.merchantId)).toBe(before);
    expect(await credits(lines)).toEqual([0n, 0n]);
  });

  test('an answer that is lost: sent again under the same key, one bulk, paid once', async () => {
    const lines = linesOf('success', 'success');
    csv('lost.csv', lines);
    const before = await bulksOf(world.merchantId);
    const between = await loseAnswers(port, 2);
    const sent = bulk('lost.csv', '--api', between.url);
    expect(await sent.exitCode).toBe(0);
    expect(between.lost()).toBe(2);
    expect(sent.output().match(/sent again under the same key/g)).toHaveLength(2);
    expect(sent.output()).toMatch(/Accepted: bulk_/);
    await between.close();
    expect(await bulksOf(world.merchantId)).toBe(before + 1);
    expect(await credits(lines)).toEqual(amountsOf(lines));
  });

  test('the API killed while watching and while sending: both say so and go on', async () => {
    const watchedLines = linesOf('success', 'success');
    csv('later.csv', watchedLines);
    const watched = bulk('later.csv', '--scheduled-at', new Date(Date.now() + 8_000).toISOString());
    await watched.said(/Waits for its time/);
    await api.kill('SIGKILL');
    const sentLines = linesOf('success');
    csv('away.csv', sentLines);
    const sent = bulk('away.csv');
    await Promise.all([watched.said(/No word from the API \(ECONN/), sent.said(/ECONNREFUSED; sent again/)]);
    await startApi();
    expect(await Promise.all([watched.exitCode, sent.exitCode])).toEqual([0, 0]);
    expect(watched.output()).toMatch(/The API is back/);
    expect(await credits([...watchedLines, ...sentLines])).toEqual(amountsOf([...watchedLines, ...sentLines]));
  });

  test('Ctrl-C ends the watching and not the bulk; cancelled, its lines were not paid', async () => {
    const lines = linesOf('success');
    csv('stopped.csv', lines);
    const watched = bulk('stopped.csv', '--scheduled-at', new Date(Date.now() + 600_000).toISOString());
    await watched.said(/Waits for its time/);
    watched.kill('SIGINT');
    expect(await watched.exitCode).toBe(130);
    const [, id = ''] = await watched.said(/The bulk goes on .* npm run bulk -- --watch (bulk_\w+)/);
    const again = bulk('--watch', id);
    await again.said(/Waits for its time/);
    await fetch(`http://127.0.0.1:${port}/v1/bulk-cash-ins/${id}/cancel`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
    });
    expect(await again.exitCode).toBe(3);
    expect(await credits(lines)).toEqual([0n]);
  });

  test('a bulk that waits for a second person says so; refused by that person, nothing was paid and it ends with 2', async () => {
    const tenant = { merchantId: world.merchantId, environment: 'sandbox' } as const;
    const subject = { kind: 'person', personId: 'per_two' } as const;
    const { key: personKey } = await createApiKey(world.pool, { role: 'merchant', ...tenant, subject });
    const threshold = 'update merchants set approval_above_lines = $2 where id = $1';
    await world.pool.query(threshold, [world.merchantId, 1]);
    const lines = linesOf('success', 'success');
    csv('large.csv', lines);
    const watched = bulk('large.csv');
    const [, url = '', body = ''] = await watched.said(/POST (\S+)\/approve with a key of that person and (\{.*\})\./);
    await world.pool.query(threshold, [world.merchantId, null]);
    const refusal = await fetch(`${url}/refuse`, {
      method: 'POST',
      headers: { authorization: `Bearer ${personKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...(JSON.parse(body) as object), reason: 'last month once more' }),
    });
    expect(refusal.status).toBe(200);
    expect(await watched.exitCode).toBe(2);
    expect(watched.output()).toMatch(/is rejected \(last month once more\)/);
    expect(await credits(lines)).toEqual([0n, 0n]);
  });

  test('a file that is there already is never written over by the result of another bulk', async () => {
    csv('other.csv', linesOf('success'));
    expect(await bulk('other.csv').exitCode).toBe(0);
    const kept = read('other.csv.result.csv');
    const lines = linesOf('success');
    csv('own.csv', lines);
    const sent = bulk('own.csv', '--result', 'other.csv.result.csv');
    expect(await sent.exitCode).toBe(0);
    expect(read('other.csv.result.csv')).toBe(kept);
    const [, name = ''] = await sent.said(/Result, line by line: (other\.csv\.bulk_\w+\.result\.csv)/);
    expect(column(name, 'recipient')).toEqual([lines[0]!.recipient.replace('+', "'+")]);
    expect((await readdir(directory)).filter((each) => each.endsWith('.part'))).toEqual([]);
  });

  test('where `npm start` runs, neither key nor address is needed; one that has ended is not taken for it', async () => {
    const state = mkdtempSync(path.join(directory, 'state-'));
    const keys = { merchantKey: key, personKeys: ['', ''], operatorKeys: ['', ''], webhookSecret: '' };
    writeFileSync(path.join(state, 'dev-keys.json'), JSON.stringify(keys));
    const pid = api.child.pid!;
    const startedAt = processStartTime(pid)!;
    const entry = { name: 'api', pid, startedAt, executable: process.execPath, port, stopSignal: 'SIGTERM' } as const;
    const runFile = createRunFile(path.join(state, 'run.json'));
    runFile.add(entry);
    const lines = linesOf('success');
    csv('dev.csv', lines);
    const env = { CAURI_STATE_DIR: state };
    expect(await runBulkCommand(['dev.csv'], { directory, env }).exitCode).toBe(0);
    expect(await credits(lines)).toEqual(amountsOf(lines));

    runFile.add({ ...entry, startedAt: 'another time' });
    expect(await runBulkCommand(['dev.csv'], { directory, env }).exitCode).toBe(1);
  });

  test('trouble is 1 and says what to do: no key, a strange key, no file', async () => {
    csv('none.csv', linesOf('success'));
    const url = `http://127.0.0.1:${port}`;
    const keyless = runBulkCommand(['none.csv', '--api', url], { directory, env: {} });
    const strange = runBulkCommand(['none.csv', '--api', url, '--key', 'cauri_sandbox_x'], { directory, env: {} });
    const nowhere = runBulkCommand(['none.csv', '--key', key], { directory, env: {} });
    const fileless = bulk('not-there.csv');
    const codes = [keyless, strange, nowhere, fileless].map(({ exitCode }) => exitCode);
    expect(await Promise.all(codes)).toEqual([1, 1, 1, 1]);
    expect(keyless.output()).toMatch(/CAURI_API_KEY/);
    expect(strange.output()).toMatch(/401 unauthenticated/);
    expect(nowhere.output()).toMatch(/no `npm start` runs here/);
    expect(fileless.output()).toMatch(/ENOENT/);
  });

  test('a body that a proxy refuses for its size is named as the proxy’s', async () => {
    const proxy = createServer((request, response) => {
      request.resume().on('end', () => {
        response.writeHead(413, { 'content-type': 'text/html', server: 'nginx' });
        response.end('<html><head><title>413 Request Entity Too Large</title></head></html>');
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      csv('for-a-proxy.csv', linesOf('success'));
      const { port: proxyPort } = proxy.address() as AddressInfo;
      const run = bulk('for-a-proxy.csv', '--api', `http://127.0.0.1:${proxyPort}`);
      expect(await run.exitCode).toBe(2);
      expect(run.output()).toContain('A proxy in front of Cauri refuses a body of this size');
      expect(run.output()).toContain('client_max_body_size');
    } finally {
      proxy.close();
    }
  });
});
