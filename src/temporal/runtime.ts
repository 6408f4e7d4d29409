import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { LogLevel } from '@temporalio/worker';
import type { Logger } from 'pino';

const PINO_LEVEL = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const satisfies Record<LogLevel, string>;

/** Sends what the SDK logs into our logger. Once per process, before the first worker. */
export function installRuntimeLogger(logger: Logger, least: LogLevel = 'INFO'): void {
  Runtime.install({
    logger: new DefaultLogger(least, ({ level, message, meta }) => {
      const { error, ...ids } = meta ?? {};
      logger[PINO_LEVEL[level]]({ ...ids, ...(error === undefined ? {} : { err: error }) }, message);
    }),
  });
}
