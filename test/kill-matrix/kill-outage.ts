import { KILL_CASES } from './kill-cases';
import { expected } from './kill-judge';
import type { KillServer } from './kill-servers';
import { settle } from './kill-stage';
import type { KillStage } from './kill-stage';
import { createStandingWorker } from './standing-worker';

export interface Outage {
  outage: string;
  how: 'stopped' | 'killed';
  /** Whether the worker leaves its points while the server is away, or once it is back. */
  goesOn: 'while_away' | 'when_back';
}

/** Tests of all cases under each outage of one kind of server; the outages run side by side, each with a server of its own. */
export function testOutages(start: () => Promise<KillServer>, outages: readonly Outage[]): void {
  const stages: KillStage[] = [];
  const closers: (() => Promise<void>)[] = [];

  async function play({ how, goesOn }: Outage): Promise<KillStage> {
    const server = await start();
    closers.unshift(server.close);
    const { stage, worker } = await createStandingWorker(KILL_CASES, server.servers, closers);
    await server.away(how);
    const goOn = (): void => {
      worker.letGo();
      stage.releaseProvider();
    };
    if (goesOn === 'while_away') {
      goOn();
      await settle();
    }
    await server.back();
    goOn();
    return stage;
  }

  beforeAll(async () => {
    stages.push(...(await Promise.all(outages.map(play))));
  }, 300_000);

  afterAll(async () => {
    for (const close of closers) await close();
  });

  describe.each(outages.map(({ outage }, index) => [outage, index] as const))(
    '%s, while a payout stands',
    (_, which) => {
      test.each(KILL_CASES.map((killCase, index) => [killCase.name, killCase.away, index] as const))(
        '%s: %s',
        async (_name, end, index) => {
          const stage = stages[which]!;
          expect(await stage.restOf(stage.actors[index]!, end)).toEqual(expected(end));
        },
        200_000,
      );
    },
  );
}
