import { SCENARIOS } from '../../src/simulators/orange';
import type { ScenarioName } from '../../src/simulators/orange';
import { confirmDecision, proposeDecision } from '../../src/db/decisions';
import { payoutWorkflowId } from '../../src/workflows/contract';
import { eventually } from '../helpers/eventually';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';

/** Scenarios in which the provider itself errs: people are asked, whatever the ledger says. */
const FOR_PEOPLE: readonly ScenarioName[] = ['double_credit', 'row_wrong_amount', 'row_wrong_recipient'];

describe('every way in which the provider may answer, judged by its own ledger of money moved', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld({
      settings: { settlementWindowMs: 20_000, poll: { firstMs: 100, maxMs: 1_500 } },
      // A busy machine loses no answer of a provider that gives one.
      timeouts: { connectMs: 20_000, headersMs: 8_000, bodyMs: 8_000 },
      simulator: { settlementDelayMs: 300 },
    });
    await world.startWorkers();
  });
  afterAll(() => world.close());

  test('never pays twice, never loses a payout, never says failed of what was paid', async () => {
    // A refused PIN closes the gate for all the others; the gate has tests of its own.
    const names = SCENARIOS.filter(({ code, name }) => code !== null && name !== 'pin_to_be_changed').map(
      ({ name }) => name,
    );
    expect(names.length).toBeGreaterThan(50);
    const payouts = await Promise.all(
      names.map(async (name) => {
        const recipient = world.recipientOf(name);
        const id = await world.accept({ recipient });
        await world.startRun(id);
        return { name, recipient, id };
      }),
    );
    const wrong: string[] = [];
    const undecidable = (): readonly string[] =>
      world.simulator.transactions().undecidable.map(({ reference }) => reference);
    for (const { name, recipient, id } of payouts) {
      const { state, reason } = await eventually(
        `${name} is final, in review, or waits for a cure`,
        async () => {
          const payout = await world.payout(id);
          const waits = payout.state === 'queued' && payout.deferrals >= 2;
          return (waits || ['succeeded', 'failed', 'in_review'].includes(payout.state)) && payout;
        },
        120_000,
      );
      const credited = await world.credited(recipient);
      const references = (await world.submissions(id)).map((submission) => submission.id);
      const isUndecidable = undecidable().some((reference) => references.includes(reference));
      const right =
        state === 'succeeded'
          ? credited === 1_000n || (name === 'double_credit' && credited === 2_000n)
          : state === 'in_review'
            ? isUndecidable || FOR_PEOPLE.includes(name) || name.startsWith('never_final')
            : credited === 0n;
      if (!right) wrong.push(`${name}: ${state} (${reason}), credited ${credited}, undecidable ${isUndecidable}`);
    }
    expect(wrong).toEqual([]);
    const { rows: gates } = await world.pool.query('select state from pin_gates');
    expect(gates).toEqual([{ state: 'open' }]);
    expect(world.simulator.ledger().sumsToZero).toBe(true);
    const { rows } = await world.pool.query<{ sum: string }>('select sum(balance)::text as sum from ledger_accounts');
    expect(rows).toEqual([{ sum: '0' }]);
  }, 180_000);

  test('what nobody can find out is decided by two persons, and the run closes with their word', async () => {
    const id = await world.accept({ recipient: world.recipientOf('lost_unmoved') });
    await world.startRun(id);
    await world.untilState(id, 'in_review');
    const decisionId = await proposeDecision(world.pool, {
      payoutId: id,
      resolution: 'not_paid',
      evidenceEnc: await world.vault.seal(world.merchantId, 'evidence', 'the statement of the day'),
      providerReference: null,
      keyId: 'key_per_one',
      marginMs: 500,
    });
    const confirm = { decisionId, windowMs: 8_000, marginMs: 500, watchMs: 60_000 };
    await expect(confirmDecision(world.pool, { ...confirm, keyId: 'key_per_one' })).rejects.toThrow(/two persons/);
    await confirmDecision(world.pool, { ...confirm, keyId: 'key_per_two' });
    const handle = world.client.workflow.getHandle(payoutWorkflowId(id));
    await handle.signal('decisionRecorded', decisionId);
    await expect(handle.result()).resolves.toEqual({ payoutId: id, state: 'failed' });
    const { rows } = await world.pool.query('select closed_by from holds where payout_id = $1', [id]);
    expect(rows).toEqual([{ closed_by: 'release' }]);
  });
});
