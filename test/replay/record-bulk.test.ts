import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { bulkWebhookWorkflowId, bulkWorkflowId, payoutWorkflowId } from '../../src/workflows/contract';
import { createBulkRunWorld } from '../bulks/run-world';
import type { BulkLine, BulkRunWorld } from '../bulks/run-world';
import { eventually } from '../helpers/eventually';
import { REPLAY_MASTER_KEYS } from '../helpers/replay-keys';
import { describeRecording, record, recordingTest } from './recording';

jest.setTimeout(300_000);

describeRecording('recording runs of bulks', () => {
  let world: BulkRunWorld;
  beforeAll(async () => {
    world = await createBulkRunWorld({
      masterKeys: REPLAY_MASTER_KEYS,
      bulks: { chunkSize: 5, chunksPerRun: 3, microBatch: 2 },
    });
    await world.startWorkers();
  });
  afterAll(() => world.close());

  const lines = (count: number): BulkLine[] => world.linesOf(Array.from({ length: count }, () => 'success' as const));

  async function isUnderWay(bulkId: string): Promise<boolean> {
    return ((await world.readBulk(bulkId)).progress['succeeded']?.lines ?? 0) > 1;
  }

  recordingTest(['polled-at-once'], async () => {
    const id = await world.accept({ recipient: world.recipientOf('pending_success') });
    await world.startRun(id);
    await record(world, 'polled-at-once', payoutWorkflowId(id));
  });

  recordingTest(['bulk-completed'], async () => {
    const bulkId = await world.sendBulk([...lines(6), ...world.linesOf(['customer_unknown', 'lost_moved'])]);
    await world.untilBulk(bulkId, 'completed');
    await record(world, 'bulk-completed', bulkWorkflowId(bulkId));
  });

  recordingTest(['bulk-scheduled'], async () => {
    const bulkId = await world.sendBulk(lines(2), { scheduled_at: new Date(Date.now() + 2_500).toISOString() });
    await world.untilBulk(bulkId, 'completed');
    await record(world, 'bulk-scheduled', bulkWorkflowId(bulkId));
  });

  recordingTest(['bulk-awaiting-float'], async () => {
    const { available = 0n } = await world.balances();
    const big = lines(2).map((line) => ({ ...line, amount: Number(available) }));
    const bulkId = await world.sendBulk(big);
    await world.untilBulk(bulkId, 'awaiting_float');
    await world.topUp(2n * available);
    await world.runs.bulkChanged(bulkId);
    await world.untilBulk(bulkId, 'completed');
    await record(world, 'bulk-awaiting-float', bulkWorkflowId(bulkId));
  });

  recordingTest(['bulk-paused-and-resumed'], async () => {
    const bulkId = await world.sendBulk(lines(40));
    await eventually('some are paid', () => isUnderWay(bulkId));
    await world.control(bulkId, 'pause');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await world.control(bulkId, 'resume');
    await world.untilBulk(bulkId, 'completed');
    await record(world, 'bulk-paused-and-resumed', bulkWorkflowId(bulkId));
  });

  recordingTest(['bulk-cancelled'], async () => {
    const bulkId = await world.sendBulk(lines(40));
    await eventually('some are paid', () => isUnderWay(bulkId));
    await world.control(bulkId, 'cancel');
    await world.untilBulk(bulkId, 'cancelled');
    await record(world, 'bulk-cancelled', bulkWorkflowId(bulkId));
  });

  recordingTest(['bulk-continued-as-new'], async () => {
    const bulkId = await world.sendBulk(lines(40));
    const { firstExecutionRunId } = await eventually('it runs', () =>
      world.client.workflow
        .getHandle(bulkWorkflowId(bulkId))
        .describe()
        .then(
          ({ runId }) => ({ firstExecutionRunId: runId }),
          () => null,
        ),
    );
    await world.untilBulk(bulkId, 'completed');
    await record(world, 'bulk-continued-as-new', bulkWorkflowId(bulkId), firstExecutionRunId);
  });

  recordingTest(['bulk-retried'], async () => {
    const bulkId = await world.sendBulk([...lines(2), ...world.linesOf(['customer_unknown'])]);
    await world.untilBulk(bulkId, 'completed');
    await world.retryFailed(bulkId);
    await eventually('it is completed again', async () => {
      const { rows } = await world.pool.query<{ times: number }>(
        "select count(*)::int as times from bulk_events where bulk_id = $1 and to_state = 'completed'",
        [bulkId],
      );
      return rows[0]?.times === 2;
    });
    await record(world, 'bulk-retried', bulkWorkflowId(bulkId));
  });

  recordingTest(['bulk-webhooks-drained'], async () => {
    let isAway = true;
    const server = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(isAway ? 503 : 204).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpointId = await world.addEndpoint(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`);
    try {
      const bulkId = await world.sendBulk(lines(3), { notify: 'each' });
      await world.untilBulk(bulkId, 'completed');
      await world.pool.query('update outbox set sweep_after = now() where bulk_id = $1', [bulkId]);
      const workflowId = bulkWebhookWorkflowId(bulkId, endpointId);
      await eventually('it has tried', () =>
        world.client.workflow
          .getHandle(workflowId)
          .fetchHistory()
          .then(
            ({ events }) => (events?.length ?? 0) > 6,
            () => false,
          ),
      );
      isAway = false;
      await record(world, 'bulk-webhooks-drained', workflowId);
    } finally {
      server.close();
      server.closeAllConnections();
      await world.pool.query('update webhook_endpoints set disabled_at = now() where id = $1', [endpointId]);
    }
  });
});
