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

/** gRPC status of a thing that is not there, or is there already. */
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;

/**
 * Whether the client's namespace is ready for our runs. Throws where Temporal does not answer, or does not let us ask.
 * @returns what is wrong, in one sentence; null where nothing is.
 */
export async function findNamespaceProblem(client: Client): Promise<string | null> {
  const { namespace } = client.options;
  try {
    const missing = await listMissing(client);
    if (missing.length === 0) return null;
    return `The Temporal namespace ${namespace} lacks the search attributes ${missing.join(', ')}: run \`npm run temporal-setup\`, or add them as Keyword.`;
  } catch (error) {
    if ((error as { code?: number }).code !== NOT_FOUND) throw error;
    return `Temporal has no namespace ${namespace}: run \`npm run temporal-setup\`, or name another TEMPORAL_NAMESPACE.`;
  }
}

/** Registers our search attributes in the client's namespace; may be repeated. */
export async function registerSearchAttributes(client: Client): Promise<void> {
  const { namespace } = client.options;
  const keyword = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;
  const missing = await listMissing(client);
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

/**
 * Registers our search attributes as `registerSearchAttributes` does. Where that is not allowed and one is missing, or the
 * namespace is, it throws the sentence that says what to do.
 */
export async function ensureSearchAttributes(client: Client): Promise<void> {
  try {
    await registerSearchAttributes(client);
  } catch (error) {
    const problem = await findNamespaceProblem(client).catch(() => null);
    throw problem === null ? error : new Error(problem, { cause: error });
  }
}

async function listMissing(client: Client): Promise<readonly string[]> {
  const { namespace } = client.options;
  const { customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace });
  return SEARCH_ATTRIBUTES.filter((name) => customAttributes[name] === undefined);
}
