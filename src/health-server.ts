import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Logger } from 'pino';
import type { Registry } from 'prom-client';

export interface HealthServerOptions {
  host: string;
  port: number;
  /**
   * What must hold for the process to be ready, by name; each answers within its own time limit. Without it /readyz is
   * not here: the API answers it where its clients call.
   */
  checks?: Readonly<Record<string, () => Promise<boolean>>>;
  metrics: Registry;
  logger: Logger;
}

export interface HealthServer {
  port: number;
  close(): Promise<void>;
}

/** A process's own small HTTP server, for those who run it: /livez, /metrics and, with checks, /readyz. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const { host, port, checks, metrics, logger } = options;
  const notFound = { status: 404, type: 'application/json', body: '{"status":"not found"}' };
  const server = createServer((request, response) => {
    void answer(request.url ?? '/')
      .catch((err: unknown) => {
        // Rejected here it would end the process, and with it what the process carries.
        logger.error({ err, url: request.url }, 'could not be answered');
        return { status: 503, type: 'application/json', body: '{"status":"unavailable"}' };
      })
      .then(({ status, type, body }) => {
        response.writeHead(status, { 'content-type': type }).end(body);
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });

  async function answer(url: string): Promise<{ status: number; type: string; body: string }> {
    switch (url) {
      case '/livez':
        return { status: 200, type: 'application/json', body: '{"status":"ok"}' };
      case '/readyz': {
        if (!checks) return notFound;
        const results = Object.fromEntries(
          await Promise.all(
            Object.entries(checks).map(async ([name, check]) => [name, await check().catch(() => false)] as const),
          ),
        );
        const ready = Object.values(results).every(Boolean);
        const body = JSON.stringify({ status: ready ? 'ok' : 'unavailable', checks: results });
        return { status: ready ? 200 : 503, type: 'application/json', body };
      }
      case '/metrics':
        return { status: 200, type: metrics.contentType, body: await metrics.metrics() };
      default:
        return notFound;
    }
  }

  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
