import { createServer } from 'node:http';

import { untilToldToStop } from '../../src/shutdown';
import { openAccount } from './account';
import { carryBatches } from './carry-batches';
import { carryLines } from './carry-lines';
import type { FloorRun } from './contract';
import { createNotify } from './notify';
import { createPlainHttp } from './plain-http';

/** The floor: the work of a bulk in a plain loop without any durability, in a process of its own. */
async function main(): Promise<void> {
  const {
    ORANGE_SANDBOX_URL: baseUrl = '',
    WEBHOOK_URL: url = '',
    WEBHOOK_SECRET: secret = '',
    PORT: port,
  } = process.env;
  const http = createPlainHttp();
  const notify = createNotify(http, { url, secret });
  const carry = { lines: carryLines, native: carryBatches };

  async function run(order: FloorRun): Promise<void> {
    const account = await openAccount(http, { baseUrl, keepsBlock: order.keepsBlock });
    await carry[order.kind](order, { account, notify });
  }

  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      if (request.method === 'GET') {
        response.end('{}');
        return;
      }
      run(JSON.parse(body) as FloorRun).then(
        () => response.end('{}'),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  }).listen(Number(port), '127.0.0.1');
  await untilToldToStop();
  server.close();
  server.closeAllConnections();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  },
);
