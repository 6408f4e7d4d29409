/** Settles with the signal's name when the process is told to stop; a second signal ends it at once. */
export async function untilToldToStop(): Promise<NodeJS.Signals> {
  return await new Promise((resolve) => {
    let told = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (told) process.exit(1);
      told = true;
      resolve(signal);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
