import { CALLBACK_FAULTS } from '../callback-faults';

/** `early`: before any line is processed; `other_bulk_id`: an authentic one that names a batch of nobody, then the true one. */
export const BULK_CALLBACK_FAULTS = [...CALLBACK_FAULTS, 'other_bulk_id'] as const;
export type BulkCallbackFault = (typeof BULK_CALLBACK_FAULTS)[number];
