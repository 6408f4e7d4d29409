import { setTimeout as sleep } from 'node:timers/promises';

import type { Pool } from 'pg';

import type { Marks } from './marks';
import { ACCOUNT } from './operations';
import type { Operations } from './operations';
import type { Orders } from './orders';
import type { ProviderControl } from './provider-truth';

export const FULL_FLOAT = 100_000_000;

/** Milliseconds between two looks. */
const LOOK_EVERY_MS = 500;

/** The people on duty: while the run lasts they replace a PIN that was refused and fill floats that ran low. */
export interface Duty {
  /** The provider's account gets its next PIN, which Cauri does not know. */
  changePinAtProvider(): Promise<void>;
  /** How many PINs the account has had. */
  pins(): number;
  close(): Promise<void>;
}

export interface DutyDeps {
  pool: Pool;
  provider: ProviderControl;
  orders: Orders;
  operations: Operations;
  marks: Marks;
}

export function startDuty({ pool, provider, orders, operations, marks }: DutyDeps): Duty {
  let pins = 1;
  let isOver = false;
  const ended = beOnDuty();
  return {
    changePinAtProvider,
    pins: () => pins,
    async close() {
      isOver = true;
      await ended;
    },
  };

  async function beOnDuty(): Promise<void> {
    while (!isOver) {
      // Database, provider and API may be away, killed or faulty: then the next look does it.
      await lookAround().catch(() => undefined);
      await sleep(LOOK_EVERY_MS);
    }
  }

  async function lookAround(): Promise<void> {
    // The gate, not what waits before it: that still says so a while after a new PIN was saved.
    const { rows } = await pool.query<{ float_low: boolean; blocked: boolean; missing: string }>(
      `select exists (select from payouts where state = 'queued' and reason = 'provider_float_low') as float_low,
         exists (select from pin_gates where state in ('blocked', 'rotation_required')) as blocked,
         (select coalesce(max(total), 0) from bulks where state = 'awaiting_float') as missing`,
    );
    if (rows[0]?.float_low) await provider.post('accounts', { msisdn: ACCOUNT, float: FULL_FLOAT });
    if (rows[0]?.blocked) await replacePin();
    if (Number(rows[0]?.missing) > 0) await operations.topUp(Number(rows[0]?.missing));
  }

  async function changePinAtProvider(): Promise<void> {
    pins += 1;
    await provider.post('accounts', { msisdn: ACCOUNT, pin: marks.pin(pins) });
  }

  /** The number that always says "change the PIN" has said so once: its payout is given up, or it would say so for ever. */
  async function replacePin(): Promise<void> {
    const { cashInsByScenario } = await provider.requests();
    await orders.giveUpRefused(cashInsByScenario['pin_to_be_changed'] ?? 0);
    await changePinAtProvider();
    const { clientId, clientSecret } = marks;
    await operations.saveCredential({ client_id: clientId, client_secret: clientSecret, pin: marks.pin(pins) });
  }
}
