import { claimBulkEvents, claimDrain, claimLineDeliveries, countDrain, recordTriedDeliveries } from '../db/bulk-outbox';
import type { BulkDrainKey, TriedDelivery } from '../db/bulk-outbox';
import type { ClaimedDelivery } from '../db/outbox';
import { findPayouts } from '../db/payout-rows';
import type { Payout } from '../domain/payout';
import { createWebhookLines } from '../webhooks/send';
import type { WebhookLine } from '../webhooks/send';
import { signWebhook } from '../webhooks/sign';
import { webhookBody } from './webhook-body';
import { CLAIM_MARGIN_MS } from './webhooks';
import type { WebhookActivityDeps } from './webhooks';

/** Posts under way at once in one batch, each over a connection that other posts then use again. */
const AT_ONCE = 16;

/** Events that one batch claims. */
const BATCH = 256;

export interface TriedCount {
  delivered: number;
  failed: number;
}

export interface BulkNotices {
  /** One try of all that these lines have to tell; what fails is left to be drained. */
  tryLines(payoutIds: readonly string[]): Promise<TriedCount>;
  /** One try of what a bulk itself has to tell. */
  tryBulk(bulkId: string): Promise<TriedCount>;
  /** One batch of what is left to tell an endpoint, and how much is left after it. */
  drain(key: BulkDrainKey): Promise<TriedCount & { open: number }>;
}

/**
 * Delivers webhooks of bulks in batches: one statement claims, one reads, the posts go out together, one statement writes
 * down what they gave. A payout's events reach an endpoint in order; an endpoint that fails is left alone for the rest of
 * the batch.
 */
export function createBulkNotices({ pool, sealing, webhooks, logger }: WebhookActivityDeps): BulkNotices {
  const claim = { leaseMs: webhooks.timeoutMs + CLAIM_MARGIN_MS, most: BATCH };
  const lineTo = createWebhookLines(webhooks);

  async function tryBatch(batch: readonly ClaimedDelivery[]): Promise<TriedCount> {
    if (batch.length === 0) return { delivered: 0, failed: 0 };
    const payouts = await payoutsOf(batch);
    const secrets = openOnce();
    const lines = new Map<string, WebhookLine>();
    const failing = new Set<string>();
    const tried: TriedDelivery[] = [];
    const post = async (claimed: ClaimedDelivery): Promise<void> => {
      const untried = { claimed, result: 'untried', httpStatus: null, durationMs: 0 };
      if (failing.has(claimed.endpointId)) {
        tried.push(untried);
        return;
      }
      const body = webhookBody(claimed, payouts.get(claimed.payoutId ?? '') ?? null);
      const headers = signWebhook({ id: claimed.eventId, body, at: new Date() }, await secrets(claimed));
      const line = lines.get(claimed.endpointId) ?? lineTo(claimed.url);
      lines.set(claimed.endpointId, line);
      const delivery = await line({ body, headers });
      if (delivery.result !== 'delivered') failing.add(claimed.endpointId);
      tried.push({ claimed, ...delivery });
    };
    await inTurns(batch, post);
    const givenUp = await recordTriedDeliveries(pool, tried, webhooks);
    if (givenUp > 0) logger.error({ givenUp }, 'webhooks of a bulk were given up without being delivered');
    const delivered = tried.filter(({ result }) => result === 'delivered').length;
    return { delivered, failed: tried.length - delivered };
  }

  async function payoutsOf(batch: readonly ClaimedDelivery[]): Promise<ReadonlyMap<string, Payout>> {
    const ids = new Set(batch.flatMap(({ payoutId }) => (payoutId === null ? [] : [payoutId])));
    return new Map((await findPayouts(pool, [...ids])).map((payout) => [payout.id, payout]));
  }

  /** The secrets of an endpoint are opened once in a batch. */
  function openOnce(): (claimed: ClaimedDelivery) => Promise<readonly string[]> {
    const opened = new Map<string, Promise<readonly string[]>>();
    return ({ endpointId, merchantId, secretsEnc }) => {
      const known =
        opened.get(endpointId) ??
        Promise.all(secretsEnc.map((sealed) => sealing.open(merchantId, 'webhook-secret', sealed)));
      opened.set(endpointId, known);
      return known;
    };
  }

  return {
    async tryLines(payoutIds) {
      const count = { delivered: 0, failed: 0 };
      for (;;) {
        const batch = await claimLineDeliveries(pool, { payoutIds, ...claim });
        const { delivered, failed } = await tryBatch(batch);
        count.delivered += delivered;
        count.failed += failed;
        if (batch.length < BATCH || failed > 0) return count;
      }
    },
    tryBulk: async (bulkId) => await tryBatch(await claimBulkEvents(pool, { bulkId, ...claim })),
    async drain(key) {
      const tried = await tryBatch(await claimDrain(pool, { ...key, ...claim }));
      return { ...tried, open: await countDrain(pool, key) };
    },
  };
}

/** So many at once; those of one payout for one endpoint one after another, as they come. */
async function inTurns(
  batch: readonly ClaimedDelivery[],
  work: (claimed: ClaimedDelivery) => Promise<void>,
): Promise<void> {
  const rows = new Map<string, ClaimedDelivery[]>();
  for (const claimed of batch) {
    const name = `${claimed.payoutId ?? claimed.eventId}/${claimed.endpointId}`;
    const row = rows.get(name);
    if (row) row.push(claimed);
    else rows.set(name, [claimed]);
  }
  const queue = [...rows.values()];
  const next = async (): Promise<void> => {
    for (let row = queue.shift(); row !== undefined; row = queue.shift())
      for (const claimed of row) await work(claimed);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, queue.length) }, next));
}
