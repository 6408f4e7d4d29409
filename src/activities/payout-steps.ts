import { cancelPayout } from '../db/cancel-payout';
import { backOffMs, deferPayout } from '../db/defer-payout';
import { findPayout } from '../db/payout-rows';
import { endSettlementWindow, readPosition, recoverAttempt, releaseScheduled, takeUpPayout } from '../db/positions';
import type { Position } from '../domain/position';
import { ProviderError } from '../providers/provider';
import { reasonForProviderError } from './failures';
import type { SubmitDeps } from './submit';

export interface PayoutStepActivities {
  /** A run takes the payout up and reads where it stands. */
  takeUp(input: { payoutId: string; chainId: string }): Promise<Position>;
  /** Reads where the payout stands. */
  readPayout(payoutId: string): Promise<Position>;
  /** Makes a token ready; null where the provider gives none, and the payout waits with that reason. */
  authenticate(input: { payoutId: string; attempt: number }): Promise<{ tokenVersion: number } | null>;
  /** Makes the encrypted PIN ready in the vault; null where it cannot be, and the payout waits with that reason. */
  encryptPin(input: { payoutId: string; attempt: number }): Promise<{ keyId: string; pinVersion: number } | null>;
  /** Makes true what can be known of an attempt whose activity has ended. */
  recoverAttempt(input: { payoutId: string; attempt: number }): Promise<Position>;
  /** The scheduled time has come. */
  releaseScheduled(payoutId: string): Promise<Position>;
  /** The settlement window is over: people decide. */
  endSettlementWindow(payoutId: string): Promise<Position>;
  /** The run was cancelled: the payout is cancelled if nothing of it may have left, else nothing happens. */
  cancelFromRun(payoutId: string): Promise<Position>;
}

/** The cheap steps of a payout: idempotent writes and reads, run as local activities. */
export function createPayoutStepActivities(deps: Omit<SubmitDeps, 'budget'>): PayoutStepActivities {
  const { pool, access, settings, logger } = deps;
  const position = (payoutId: string): Promise<Position> => readPosition(pool, payoutId, settings);

  /** Runs a call that moves no money; a provider that refuses it puts the payout back in the queue with its reason. */
  async function orDefer<T>(input: { payoutId: string; attempt: number }, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      logger.warn({ payoutId: input.payoutId, kind: error.kind, code: error.code }, 'the provider gave no access');
      const reason = reasonForProviderError(error);
      await deferPayout(pool, { ...input, reason, words: { code: error.code, text: null }, ...settings.backOff });
      return null;
    }
  }

  return {
    async takeUp({ payoutId, chainId }) {
      const { position: found, alert } = await takeUpPayout(pool, { payoutId, chainId }, settings);
      if (alert) logger.error({ payoutId }, 'taken up again and again without progress; people must look');
      return found;
    },

    readPayout: position,

    async authenticate(input) {
      return await orDefer(input, async () => {
        const credential = await access.openFor(input.payoutId);
        const { submitTimeoutMs } = access.provider(credential);
        const token = await access.token(credential, { leastLifeMs: submitTimeoutMs });
        return { tokenVersion: token.version };
      });
    },

    async encryptPin(input) {
      return await orDefer(input, async () => {
        const credential = await access.openFor(input.payoutId);
        const { keyId } = await access.encryptedPin(credential);
        return { keyId, pinVersion: credential.pinVersion };
      });
    },

    async recoverAttempt({ payoutId, attempt }) {
      const payout = await findPayout(pool, payoutId);
      await recoverAttempt(pool, {
        payoutId,
        attempt,
        backOff: backOffMs(payout?.deferrals ?? 0, settings.backOff),
        watchMs: settings.watchMs,
      });
      return await position(payoutId);
    },

    async releaseScheduled(payoutId) {
      await releaseScheduled(pool, payoutId);
      return await position(payoutId);
    },

    async endSettlementWindow(payoutId) {
      await endSettlementWindow(pool, payoutId);
      return await position(payoutId);
    },

    async cancelFromRun(payoutId) {
      await cancelPayout(pool, { payoutId, actor: 'system', reason: 'cancelled_by_operations' });
      return await position(payoutId);
    },
  };
}
