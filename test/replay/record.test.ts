import { hostname } from 'node:os';

import { historyToJSON } from '@temporalio/common/lib/proto-utils';

import type { ScenarioName } from '../../src/simulators/orange';
import { payoutWorkflowId, PROVIDER_REPORTED_SIGNAL } from '../../src/workflows/contract';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { REPLAY_MASTER_KEYS } from '../helpers/replay-keys';
import { addHistory } from './corpus';
import type { Recording } from './corpus';

/**
 * Records real runs into the corpus: `RECORD_HISTORIES=1 npm test -- test/replay/record`, after a change of the
 * workflow that the corpus does not show yet. Adds files only; what was recorded once is replayed for ever.
 */
const describeRecording = process.env['RECORD_HISTORIES'] === '1' ? describe : describe.skip;

describeRecording('recording real runs', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld({ masterKeys: REPLAY_MASTER_KEYS });
    await world.startWorkers();
  });
  afterAll(() => world.close());

  async function start(scenario: ScenarioName, scheduledAt?: Date): Promise<string> {
    const id = await world.accept({ recipient: world.recipientOf(scenario), ...(scheduledAt && { scheduledAt }) });
    await world.startRun(id);
    return id;
  }

  async function record(recording: Recording, id: string): Promise<void> {
    const handle = world.client.workflow.getHandle(payoutWorkflowId(id));
    await handle.result();
    const text = historyToJSON(await handle.fetchHistory());
    // Who recorded it is nobody's business, and no part of what is replayed.
    const nameless = text.replaceAll(`${process.pid}@${hostname()}`, 'recorder');
    expect(nameless).not.toContain(`@${hostname()}`);
    addHistory(recording, nameless);
  }

  test.each<[Recording, ScenarioName]>([
    ['success-at-once', 'success'],
    ['pending-then-success', 'pending_success'],
    ['refused', 'customer_unknown'],
    ['lost-answer-found', 'lost_moved'],
    ['key-roll', 'stale_key_once'],
  ])('%s', async (recording, scenario) => {
    await record(recording, await start(scenario));
  });

  test('scheduled', async () => {
    await record('scheduled', await start('success', new Date(Date.now() + 1_500)));
  });

  test('reported-while-pending', async () => {
    const id = await start('pending_success');
    await world.untilState(id, 'pending');
    await world.client.workflow.getHandle(payoutWorkflowId(id)).signal(PROVIDER_REPORTED_SIGNAL, 'cb_recorded');
    await record('reported-while-pending', id);
  });

  test('cancelled-by-run', async () => {
    const id = await start('success', new Date(Date.now() + 3_600_000));
    await world.client.workflow.getHandle(payoutWorkflowId(id)).cancel();
    await record('cancelled-by-run', id);
  });
});
