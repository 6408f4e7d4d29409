import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils';
import { temporal } from '@temporalio/proto';

/** With a second copy of protobufjs in the tree both throw `type must be a Type`, and no history can be replayed. */
test('a history goes to JSON and back unchanged', () => {
  const history = temporal.api.history.v1.History.create({
    events: [
      {
        eventType: temporal.api.enums.v1.EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
        workflowExecutionStartedEventAttributes: {
          workflowType: { name: 'payoutWorkflow' },
          input: {
            payloads: [{ metadata: { encoding: Buffer.from('binary/encrypted') }, data: Buffer.from([0, 255]) }],
          },
        },
      },
    ],
  });
  const json = historyToJSON(history);
  expect(json).toContain('EVENT_TYPE_WORKFLOW_EXECUTION_STARTED');
  const [event] = historyFromJSON(JSON.parse(json)).events ?? [];
  const started = event?.workflowExecutionStartedEventAttributes;
  expect(started?.workflowType?.name).toBe('payoutWorkflow');
  expect([...(started?.input?.payloads?.[0]?.data ?? [])]).toEqual([0, 255]);
});
