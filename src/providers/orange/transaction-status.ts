import type { StatusAnswer } from '../provider';
import { isOrangeStatus } from './outcome-table';
import type { OrangeStatus } from './outcome-table';

const STATUS_OF_TRANSACTION = {
  SUCCESS: 'success',
  FAILED: 'failed',
  CANCELLED: 'failed',
  REJECTED: 'failed',
  ACCEPTED: 'in_flight',
  INITIATED: 'in_flight',
  PENDING: 'in_flight',
  PRE_INITIATED: 'in_flight',
} as const satisfies Record<OrangeStatus, StatusAnswer['status']>;

/** A transaction's status as a poll or a search shows it. */
export function toStatus(status: string): StatusAnswer['status'] {
  return isOrangeStatus(status) ? STATUS_OF_TRANSACTION[status] : 'unmapped';
}
