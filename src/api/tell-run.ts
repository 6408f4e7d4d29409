import type { ApiDeps } from './deps';

/** Tells the payout's run that something changed, not awaited: a run that does not hear it reads the payout later. */
export function tellRun(payoutId: string, { runs, logger }: Pick<ApiDeps, 'runs' | 'logger'>): void {
  runs
    .signalChanged(payoutId)
    .catch((err: unknown) =>
      logger.info({ err, payoutId }, 'the run was not told; it reads the payout at its next turn'),
    );
}
