import type { Client } from '@temporalio/client';

import { workflowTaskQueue } from '../../src/workflows/contract';
import { BARE_WORKFLOW, BASELINE_PREFIX, NAIVE_WORKFLOW } from '../baseline/contract';
import type { BaselineOrder } from '../baseline/contract';
import { payoutRequest } from '../merchant';
import type { World } from '../world';
import type { Contender } from './contender';

/** Workflows without a database, started straight from the bench: nothing is accepted, kept or booked. */
export function createBaselines(
  world: World,
  options: { client: Client; nextIndex: () => number; patienceMs: number },
): readonly Contender[] {
  const create = (name: string, workflow: string, what: string): Contender => ({
    name,
    what,
    async pay() {
      const index = options.nextIndex();
      const { amount, msisdn } = payoutRequest(index);
      const order: BaselineOrder = { id: `${name}-${index}`, amount, msisdn };
      const workflowId = `${name}/${order.id}`;
      const taskQueue = workflowTaskQueue(BASELINE_PREFIX);
      const handle = await options.client.workflow.start(workflow, { taskQueue, workflowId, args: [order] });
      await world.inbox.succeeded(order.id, options.patienceMs).catch(async (error: unknown) => {
        const { status } = await handle.describe();
        throw new Error(`${workflowId} is ${status.name}`, { cause: error });
      });
      return workflowId;
    },
  });
  return [
    create('bare', BARE_WORKFLOW, 'one activity does all five steps, no database'),
    create('naive', NAIVE_WORKFLOW, 'six activities and a timer, no database'),
  ];
}
