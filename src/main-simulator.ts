import { createOrangeSimulator, optionsFromEnv } from './simulators/orange';

/** Runs the Orange simulator until SIGTERM or SIGINT; its one line of output is {"listening": url}. */
async function main(): Promise<void> {
  const simulator = await createOrangeSimulator(optionsFromEnv(process.env));
  const stop = (): void => {
    void simulator.close();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.stdout.write(`${JSON.stringify({ listening: simulator.url })}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
