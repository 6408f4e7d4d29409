import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';

import type { BulkPosition, BulkTally } from '../domain/bulk-position';
import { timeIn } from './time-in';

const STATUS = defineSearchAttributeKey('CauriStatus', SearchAttributeType.KEYWORD);

/** Shows a bulk in the Temporal UI: a table of its lines, and its state among the search attributes where it changed. */
export function showBulk(position: BulkPosition): void {
  showLines(position, position.tally);
  if (workflowInfo().typedSearchAttributes.get(STATUS) !== position.state) {
    upsertSearchAttributes([{ key: STATUS, value: position.state }]);
  }
}

/** The table with its lines as they stand by now. */
export function showLines(position: BulkPosition, tally: BulkTally): void {
  const { bulkId, state, reason, step, dueInMs, total, currency } = position;
  const table = [
    `| bulk | ${bulkId} |`,
    '|---|---|',
    `| state | **${state}** (${reason}) |`,
    ...(total === undefined ? [] : [`| total in minor units | ${total} ${currency} |`]),
    `| merchant | ${position.merchantId}, ${position.environment} |`,
    `| next step | ${step}${dueInMs > 0 ? `, due ${timeIn(dueInMs)}` : ''} |`,
    `| lines waiting | ${tally.waiting} |`,
    `| lines under way | ${tally.underWay} |`,
    `| lines final or in review | ${tally.resting} |`,
  ];
  setCurrentDetails(table.join('\n'));
}
