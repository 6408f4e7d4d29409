import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import proto from '@temporalio/proto';

import { SEARCH_ATTRIBUTES } from '../workflows/contract';

/** The typed keys of our search attributes; values are ids and closed words, never personal data. */
export const SEARCH_ATTRIBUTE_KEYS = {
  merchant: defineSearchAttributeKey('CauriMerchant', SearchAttributeType.KEYWORD),
  environment: defineSearchAttributeKey('CauriEnvironment', SearchAttributeType.KEYWORD),
  status: defineSearchAttributeKey('CauriStatus', SearchAttributeType.KEYWORD),
  method: defineSearchAttributeKey('CauriMethod', SearchAttributeType.KEYWORD),
  provider: defineSearchAttributeKey('CauriProvider', SearchAttributeType.KEYWORD),
} as const;

/** gRPC status of a thing that is there already. */
const ALREADY_EXISTS = 6;

/** Registers our search attributes in the client's namespace; may be repeated. */
export async function registerSearchAttributes(client: Client): Promise<void> {
  const { namespace } = client.options;
  const keyword = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;
  const { customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace });
  const missing = SEARCH_ATTRIBUTES.filter((name) => customAttributes[name] === undefined);
  if (missing.length === 0) return;
  try {
    await client.connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, keyword])),
    });
  } catch (error) {
    // Two processes may register at once; the later one finds them there.
    if ((error as { code?: number }).code !== ALREADY_EXISTS) throw error;
  }
}
