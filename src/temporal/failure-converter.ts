import { DefaultFailureConverter } from '@temporalio/common';

/** Puts messages and stack traces of failures into a payload, which the codec encrypts. Loaded by its path and name. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
