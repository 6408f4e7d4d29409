import type { World } from './world';

/** Changes what the simulator does from now on; see docs/simulator.md. @throws Error where it refuses. */
export async function configureSimulator(world: World, patch: object): Promise<void> {
  await postControl(world, 'config', patch);
}

/** Makes or changes an account of the simulator. @throws Error where it refuses. */
export async function configureAccount(
  world: World,
  account: { msisdn: string; float: number } & Record<string, unknown>,
): Promise<void> {
  await postControl(world, 'accounts', account);
}

async function postControl({ simulatorUrl }: World, path: string, body: object): Promise<void> {
  const answer = await fetch(`${simulatorUrl}/_sim/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`the simulator answered ${answer.status}: ${await answer.text()}`);
}
