import { randomUUID } from 'node:crypto';

import { isRotationRequired, passPinGate, tellPinGate } from '../db/pin-gates';
import { withTransaction } from '../db/transaction';
import { ProviderError } from '../providers/provider';
import { EVIDENCE, prepareCall } from './check-credential';
import { CommandError } from './operator';
import type { OperatorContext } from './operator';
import type { OpenedForOperator } from './provider';
import { spendRequests } from './spend-requests';

/** Longer than the call may take; a probe that is not heard of by then counts as lost. */
const PROBE_MS = 60_000;

/**
 * The account's balance at the provider, in minor units. The call carries the PIN, so it passes the credential gate like
 * any other and tells it what it showed. Throws `CommandError` where the gate is closed, `ProviderError`.
 */
export async function fetchBalance(
  context: OperatorContext,
  opened: OpenedForOperator,
): Promise<{ amount: bigint; currency: string }> {
  const { pool } = context;
  const provider = context.providers[opened.provider][opened.environment];
  const gated = { ...opened, accountNumber: opened.account.accountNumber };
  const { token, encryptedPin } = await prepareCall(context, provider, opened.account, opened.pin);
  // Before the gate, which would wait for a call that proves the PIN.
  await spendRequests(context, gated, 1);
  const call = {
    fingerprint: context.fingerprintPin(opened.provider, gated.accountNumber, opened.pin),
    callId: `ops/${randomUUID()}`,
    probeMs: PROBE_MS,
  };
  const gate = await withTransaction(pool, (trx) => passPinGate(trx, gated, call));
  if (gate === 'blocked') throw new CommandError(await wayOut());
  if (gate === 'proving') throw new CommandError('another call is proving this PIN: try again in a minute');
  try {
    const balance = await provider.account.fetchRetailerBalance(opened.account, token, encryptedPin);
    await tellPinGate(pool, gated, { ...call, evidence: 'right', code: null });
    return balance;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    await tellPinGate(pool, gated, { ...call, evidence: EVIDENCE[error.kind], code: error.code });
    throw error;
  }

  async function wayOut(): Promise<string> {
    if (!(await isRotationRequired(pool, gated, call.fingerprint)))
      return 'the gate of this PIN is closed: `credential set` opens it';
    return 'the provider asks for a new PIN: `provider change-pin` sets one, until then no call leaves';
  }
}
