import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addAccountEndpoints } from './account-endpoints';
import { createBulkCallbacks } from './bulk/bulk-callbacks';
import { addBulkBody, addBulkEndpoint } from './bulk/bulk-endpoint';
import { createBulkRunner } from './bulk/bulk-runner';
import { addCallbackEndpoints } from './callback-endpoints';
import { createCallbackLog } from './callback-log';
import { createCallbackSender } from './callback-sender';
import { createCallbacks } from './callbacks';
import { createControl, type OrangeSimulatorControl } from './control';
import { createControlRouter } from './control-endpoints';
import { createGateway, readRawBody } from './gateway';
import { createHolds } from './holds';
import { createKeyRing } from './key-pair';
import { resolveOptions, type OrangeSimulatorOptions } from './options';
import type { Parts } from './parts';
import { Problem, sendProblem } from './problem';
import { createRateLimit } from './rate-limit';
import { createRequestCounts } from './request-counts';
import { createSettlement } from './settlement';
import { addSimCardEndpoint } from './sim-card-endpoint';
import { openStore } from './store';
import { createTimers } from './timers';
import { addTokenEndpoint } from './token-endpoint';
import { createTokens } from './tokens';
import { addTransactionEndpoints } from './transaction-endpoints';

export interface OrangeSimulator extends OrangeSimulatorControl {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** Ends every connection, also of cash-ins that stand at a hold: those never go on. */
  close(): Promise<void>;
}

/**
 * A stand-in for Orange Money (Sonatel) cash-in on 127.0.0.1, with the provider's behaviour, its faults by magic recipient
 * or by rate, and a ledger of money truly moved. With `journalPath` its state survives a kill.
 * Rejects when the options are invalid (all listed) or the port is taken.
 */
export async function createOrangeSimulator(given: OrangeSimulatorOptions = {}): Promise<OrangeSimulator> {
  const options = resolveOptions(given);
  const store = openStore(options);
  const timers = createTimers();
  const log = createCallbackLog();
  const sendNotice = createCallbackSender({ store, timers });
  const callbacks = createCallbacks({ store, options, log, sendNotice });
  const settlement = createSettlement({ store, timers, callbacks });
  const bulkCallbacks = createBulkCallbacks({ store, log, sendNotice });
  const parts: Parts = {
    options,
    store,
    timers,
    holds: createHolds(),
    counts: createRequestCounts(),
    rateLimit: createRateLimit(),
    keyRing: await createKeyRing(store),
    tokens: createTokens(store),
    callbackLog: log,
    callbacks,
    settlement,
    bulkCallbacks,
    bulkRunner: createBulkRunner({ store, timers, settlement, bulkCallbacks }),
  };
  const control = createControl(parts);
  const server = createServer({ keepAliveTimeout: 65_000 }, createApp(parts, control));
  server.listen(options.port, '127.0.0.1');
  await once(server, 'listening');
  parts.settlement.resume();
  parts.bulkRunner.resume();
  const { port } = server.address() as AddressInfo;

  return {
    ...control,
    url: `http://127.0.0.1:${port}`,
    port,
    close: async () => {
      timers.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      store.close();
    },
  };
}

function createApp(parts: Parts, control: OrangeSimulatorControl): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use('/_sim', createControlRouter(control));
  addBulkBody(app);
  app.use(readRawBody);
  const gateway = createGateway(parts, app);
  addTokenEndpoint(parts, app);
  addAccountEndpoints(parts, gateway);
  addTransactionEndpoints(parts, gateway, app);
  addBulkEndpoint(parts, gateway, app);
  addCallbackEndpoints(parts, gateway);
  addSimCardEndpoint(parts, gateway);
  gateway.refuseOtherMethods();
  app.use(() => {
    throw new Problem(404, '60');
  });
  app.use((error: unknown, req: Request, res: Response, _next: NextFunction) => {
    sendProblem(res, req.path, problemOfError(error));
  });
  return app;
}

/** Express's own errors of a request (too large, badly encoded) carry a 4xx status. */
function problemOfError(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  return status < 500 ? new Problem(400, '22') : new Problem(500, '50', { detail: String(error) });
}
