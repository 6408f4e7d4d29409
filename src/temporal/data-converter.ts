import type { DataConverter } from '@temporalio/common';

import { createPayloadCodec } from './payload-codec';
import type { PayloadMasterKeys } from './payload-codec';

/**
 * The file that a workflow bundle must be made with as well (`bundleWorkflowCode({ failureConverterPath })`): a bundle
 * without it leaves the workflow's own failures readable in the history, with no error said anywhere.
 */
export const FAILURE_CONVERTER_PATH = require.resolve('./failure-converter');

/** What clients, workers and replays share: payloads encrypted, failures put into payloads first. */
export function createDataConverter(masterKeys: PayloadMasterKeys): DataConverter {
  return { payloadCodecs: [createPayloadCodec(masterKeys)], failureConverterPath: FAILURE_CONVERTER_PATH };
}
