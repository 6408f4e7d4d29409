import { randomBytes } from 'node:crypto';

import type { Pool } from 'pg';

import { expireLostProbes, passPinGate, setPinGate, tellPinGate, wasPinRefused } from '../../src/db/pin-gates';
import type { GateAnswer, GatedAccount, PinEvidence } from '../../src/db/pin-gates';
import { createPool } from '../../src/db/pool';
import { createTestDatabase } from '../helpers/postgres';
import type { TestDatabase } from '../helpers/postgres';

describe('the gate of an account', () => {
  let database: TestDatabase;
  let pool: Pool;
  let used = 0;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createPool({ databaseUrl: database.url, size: 4, onIdleError: () => undefined });
  });
  afterAll(async () => {
    await pool.end();
    await database.close();
  });

  interface Gate {
    account: GatedAccount;
    fingerprint: Buffer;
    pass: (callId: string, probeMs?: number) => Promise<GateAnswer>;
    tell: (callId: string, evidence: PinEvidence) => Promise<void>;
  }

  async function gate(state: 'unproven' | 'open'): Promise<Gate> {
    used += 1;
    const account = { provider: 'orange', environment: 'sandbox', accountNumber: `78000000${used}` };
    const fingerprint = randomBytes(32);
    await setPinGate(pool, account, { fingerprint, state });
    return {
      account,
      fingerprint,
      pass: (callId, probeMs = 60_000) => passPinGate(pool, account, { fingerprint, callId, probeMs }),
      tell: (callId, evidence) => tellPinGate(pool, account, { fingerprint, callId, evidence, code: null }),
    };
  }

  test('lets one call alone prove a new PIN, and then every call', async () => {
    const { pass, tell } = await gate('unproven');
    expect(await pass('first')).toBe('probe');
    expect([await pass('second'), await pass('third')]).toEqual(['proving', 'proving']);
    await tell('first', 'right');
    expect([await pass('second'), await pass('third')]).toEqual(['proceed', 'proceed']);
  });

  test('of many calls at once lets one prove the PIN', async () => {
    const { pass } = await gate('unproven');
    const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => pass(`call-${index}`)));
    expect(answers.filter((answer) => answer === 'probe')).toHaveLength(1);
    expect(answers.filter((answer) => answer === 'proving')).toHaveLength(7);
  });

  test.each(['unproven', 'open'] as const)('is blocked by a refused PIN, which is remembered (%s)', async (state) => {
    const { account, fingerprint, pass, tell } = await gate(state);
    await pass('first');
    await tell('first', 'wrong');
    expect(await pass('second')).toBe('blocked');
    expect(await wasPinRefused(pool, account, fingerprint)).toBe(true);
  });

  test('lets no call with another PIN pass', async () => {
    const { account } = await gate('open');
    const other = { fingerprint: randomBytes(32), callId: 'other', probeMs: 60_000 };
    expect(await passPinGate(pool, account, other)).toBe('blocked');
  });

  test('is not opened or blocked by news of another PIN', async () => {
    const { account, pass } = await gate('open');
    const news = { fingerprint: randomBytes(32), callId: 'late', evidence: 'wrong', code: null } as const;
    await tellPinGate(pool, account, news);
    expect(await pass('next')).toBe('proceed');
  });

  test('is for people when two proving calls are lost', async () => {
    const { pass, tell } = await gate('unproven');
    expect(await pass('first')).toBe('probe');
    await tell('first', 'lost');
    expect(await pass('second', 0)).toBe('probe');
    await expireLostProbes(pool);
    expect(await pass('third')).toBe('blocked');
  });
});
