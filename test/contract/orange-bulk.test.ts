import { BULK_SCENARIOS } from '../../src/simulators/orange';
import type { BulkScenarioName } from '../../src/simulators/orange';
import { eventually } from '../helpers/eventually';
import { startOrangeWorld } from './orange-world';
import type { OrangeWorld } from './orange-world';
import { anyPage, prepareBatch, soon } from './provider-under-test';

const TAKEN = { outcome: 'taken', batchReference: expect.any(String) as string, code: 'PENDING' };
const CREDENTIAL = { outcome: 'rejected', kind: 'credential', remedy: null };

function unknown(reason: string): object {
  return { outcome: 'unknown', reason, batchReference: null };
}

/** What the connector must say of every batch scenario of the simulator. */
const EXPECTED: Record<BulkScenarioName, object> = {
  bulk_default: TAKEN,
  bulk_terminated: { ...TAKEN, code: 'TERMINATED' },
  bulk_rejected: { outcome: 'refused_whole', batchReference: expect.any(String) as string },
  bulk_rejected_half: { outcome: 'refused_whole', batchReference: expect.any(String) as string },
  bulk_dropped: TAKEN,
  bulk_lost_before: unknown('connection_lost'),
  bulk_lost_after: unknown('connection_lost'),
  bulk_reset_before: unknown('connection_lost'),
  bulk_reset_after: unknown('connection_lost'),
  bulk_500_before: unknown('server_error'),
  bulk_500_after: unknown('server_error'),
  bulk_503_after: unknown('server_error'),
  bulk_51_after: unknown('pending_at_provider'),
  bulk_html_502_after: unknown('server_error'),
  bulk_redirect_307_after: unknown('redirect'),
  bulk_slow_headers: unknown('headers_timeout'),
  bulk_slow_body: unknown('body_timeout'),
  bulk_slow_then_taken: unknown('headers_timeout'),
  bulk_malformed_body: unknown('malformed_body'),
  bulk_cut_body: unknown('connection_lost'),
  bulk_empty_body: unknown('malformed_body'),
  bulk_unknown_status: { ...unknown('unmapped_status'), batchReference: expect.any(String) as string },
  bulk_no_bulk_id: unknown('malformed_body'),
  bulk_bad_request: unknown('refused_for_a_line'),
  bulk_payer_balance: unknown('refused_for_a_line'),
  bulk_access_forbidden: CREDENTIAL,
  bulk_throttled_once: { outcome: 'rejected', kind: 'throttled', remedy: null },
  bulk_unauthorized_once: { ...CREDENTIAL, remedy: 'renew_token' },
  bulk_stale_key_once: { outcome: 'rejected', kind: 'stale_key', remedy: 'renew_key' },
  bulk_late_rows: TAKEN,
  bulk_stragglers: TAKEN,
  bulk_shifting_pages: TAKEN,
  bulk_doubled_rows: TAKEN,
  bulk_callback_lost: TAKEN,
  bulk_callback_double: TAKEN,
  bulk_callback_late: TAKEN,
  bulk_callback_early: TAKEN,
  bulk_callback_forged: TAKEN,
  bulk_callback_contradictory: TAKEN,
  bulk_callback_other_bulk_id: TAKEN,
};

describe('bulks at Orange Money, by the batch scenarios of its simulator', () => {
  let world: OrangeWorld;

  beforeAll(async () => (world = await startOrangeWorld()));
  afterAll(() => world.close());

  it('has an expectation for every scenario', () => {
    expect(Object.keys(EXPECTED).sort()).toEqual(BULK_SCENARIOS.map(({ name }) => name).sort());
  });

  it.each(BULK_SCENARIOS.map(({ name }) => name))('%s', async (name) => {
    const { provider, bulk: at, simulator } = world;
    const calls = simulator.bulks().length;
    const order = await prepareBatch(world, at, [at.headOf(name), at.plainRecipient(), at.plainRecipient()]);
    const outcome = await provider.bulk!.submit(order, () => Promise.resolve('go'), soon());
    expect(outcome).toMatchObject(EXPECTED[name]);
    const report = simulator.bulks()[calls];
    expect(report).toMatchObject({ callbackUrl: order.callbackUrl, scenario: name });
    expect(simulator.bulks()).toHaveLength(calls + 1);
    if (outcome.outcome === 'taken') expect(report?.bulkId).toBe(outcome.batchReference);
    if (outcome.outcome === 'rejected') expect(report).toMatchObject({ bulkId: null, taken: 0 });
  });
});

describe('a bulk call at Orange Money', () => {
  let world: OrangeWorld;

  beforeAll(async () => {
    world = await startOrangeWorld({ timeouts: { connectMs: 10_000, headersMs: 60_000, bodyMs: 60_000 } });
  });
  afterAll(() => world.close());

  it('carries as many lines as it says, whose rows are all shown', async () => {
    const { provider, bulk: at } = world;
    const bulk = provider.bulk!;
    const recipients = Array.from({ length: bulk.maxLines }, () => at.plainRecipient());
    const order = await prepareBatch(world, at, recipients);
    const outcome = await bulk.submit(order, () => Promise.resolve('go'), soon());
    if (outcome.outcome !== 'taken') throw new Error(`expected taken, was ${outcome.outcome}`);
    const { account, token } = order;
    const rows = await eventually('each line has its row', async () => {
      const shown = await bulk.listLines({ account, token, batchReference: outcome.batchReference, nextPage: anyPage });
      return shown.length >= bulk.maxLines && shown;
    });
    const sent = order.lines.map(({ reference, amount, recipient }) => {
      return `${reference} ${amount} ${provider.spellRecipient(recipient)} success`;
    });
    const shown = rows.map(({ reference, amount, recipient, status }) => {
      return `${reference ?? ''} ${amount} ${recipient} ${status}`;
    });
    expect(shown.sort()).toEqual(sent.sort());
  });

  it('of which one line has a wrong PIN is refused for all, as a question of the PIN, and costs one try', async () => {
    const { provider, bulk: at, simulator } = world;
    const order = await prepareBatch(world, at, [at.plainRecipient(), at.plainRecipient()]);
    const key = await provider.account.fetchEncryptionKey(order.account, order.token);
    const lines = order.lines.map((line) => ({ ...line, encryptedPin: provider.account.encryptPin('1111', key) }));
    const wrongBefore = simulator.requests().pinsWrong;
    const outcome = await provider.bulk!.submit({ ...order, lines }, () => Promise.resolve('go'), soon());
    expect(outcome).toMatchObject({ outcome: 'rejected', kind: 'credential', remedy: 'replace_pin', code: '2011' });
    expect(simulator.requests().pinsWrong - wrongBefore).toBe(1);
    expect(order.lines.map(({ reference }) => world.creditsOf(reference))).toEqual([[], []]);
  });

  it('to a provider that is away is not sent, and its clearance is not asked for', async () => {
    const gone = await startOrangeWorld();
    const { provider, bulk: at } = gone;
    const order = await prepareBatch(gone, at, [at.plainRecipient()]);
    await gone.close();
    const clearance = jest.fn(() => Promise.resolve('go' as const));
    expect(await provider.bulk!.submit(order, clearance, soon())).toMatchObject({
      outcome: 'not_sent',
      reason: 'connect_failed',
    });
    expect(clearance).not.toHaveBeenCalled();
  });
});
