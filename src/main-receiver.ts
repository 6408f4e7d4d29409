import { existsSync } from 'node:fs';
import { readDevKeys } from './start/dev-keys';
import { createReceiver } from './start/receiver';

/** Runs the webhook receiver of the demonstration until SIGTERM or SIGINT: RECEIVER_PORT, and DEV_KEYS_FILE of the seeding. */
async function main(): Promise<void> {
  const keysFile = process.env['DEV_KEYS_FILE'] ?? '';
  const receiver = await createReceiver({
    port: Number(process.env['RECEIVER_PORT'] ?? 0),
    secret: () => (existsSync(keysFile) ? readDevKeys(keysFile).webhookSecret : undefined),
    report: ({ receivedAt, id, verified }) => process.stdout.write(`${JSON.stringify({ receivedAt, id, verified })}\n`),
  });
  const stop = (): void => void receiver.close();
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.stdout.write(`${JSON.stringify({ listening: receiver.url })}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
});
