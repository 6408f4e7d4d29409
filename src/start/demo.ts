import { setTimeout as delay } from 'node:timers/promises';
import { createDemoClient, DEMO_PAYOUT } from './demo-client';
import { createRunReader } from './run-steps';
import type { Stack } from './stack';
import type { Print } from './steps';

const POLL_INTERVAL_MS = 200;

/** Longer than the slowest healthy payout takes on a slow machine. */
const PATIENCE_MS = 90_000;

/** The last step of a run; local steps stand in its history only when the piece of work around them has ended. */
const LAST_STEP = 'deliverPayoutWebhooks';

/** Time for the last steps after the webhook, which may overtake them. */
const LAST_STEPS_MS = 10_000;

/** States in which nothing more happens by itself. */
const RESTING_STATES = ['succeeded', 'failed', 'cancelled', 'in_review'];

/**
 * Sends one payout by HTTP and prints what becomes of it: each step of its workflow, each change of its state, the
 * webhook as the receiver saw it, and where to look further.
 * @returns true when it succeeded and its webhook was verified.
 */
export async function runDemo(stack: Stack, print: Print): Promise<boolean> {
  const client = createDemoClient(stack);
  const startedAt = Date.now();
  const say = ({ at, text }: Line): void => {
    print(`  ${((at.getTime() - startedAt) / 1000).toFixed(2).padStart(6)} s  ${text}`);
  };
  print(`\nOne payout of ${DEMO_PAYOUT.amount} ${DEMO_PAYOUT.currency} to an Orange Money number in Senegal:`);
  const id = await client.send();
  const run = await createRunReader(stack.temporalAddress, stack.temporalNamespace, `payout/${id}`);
  let lines: Line[] = [{ at: new Date(), text: `http      202 Accepted, ${id}` }];
  let state = 'accepted';
  let notified: string | undefined;
  let hasToldAll = false;
  let giveUpAt = startedAt + PATIENCE_MS;
  let lastSequence = 0;
  let lastEventId = 0;
  try {
    while (!(notified !== undefined && hasToldAll) && Date.now() < giveUpAt) {
      const changes = (await client.changes(id)).filter(({ sequence }) => sequence > lastSequence);
      const steps = await run.stepsAfter(lastEventId);
      state = changes.at(-1)?.to ?? state;
      lastSequence = changes.at(-1)?.sequence ?? lastSequence;
      lastEventId = steps.at(-1)?.eventId ?? lastEventId;
      hasToldAll ||= steps.some(({ name }) => name === LAST_STEP);
      for (const { at, name } of steps) lines.push({ at, text: `workflow  ${name}` });
      for (const { at, from, to, actor, reason, provider_code: code } of changes) {
        const why = [actor.split(':')[0], reason, code].filter(Boolean).join(', ');
        lines.push({ at, text: `state     ${from ?? '(new)'} → ${to}  (${why})` });
      }
      const webhook = (await client.webhooks(id)).find(({ body }) => body?.type === `payout.${state}`);
      if (notified === undefined && webhook && RESTING_STATES.includes(state)) {
        giveUpAt = Date.now() + LAST_STEPS_MS;
        lines.push({ at: webhook.receivedAt, text: `webhook   ${webhook.body?.type ?? ''}, signature verified` });
        notified = JSON.stringify(webhook.body, null, 2);
      }
      lines.sort((one, other) => one.at.getTime() - other.at.getTime()).forEach(say);
      lines = [];
      await delay(POLL_INTERVAL_MS);
    }
    print(
      `\nFinal state: ${state}. The webhook ${notified === undefined ? 'has not come.' : `as the receiver saw it:\n${notified}`}`,
    );
    printLinks(stack, id, await run.runId(), print);
    return state === 'succeeded' && notified !== undefined;
  } finally {
    await run.close();
  }
}

interface Line {
  at: Date;
  text: string;
}

function printLinks(stack: Stack, id: string, runId: string | undefined, print: Print): void {
  const { apiUrl, temporalUiUrl, temporalNamespace, keys } = stack;
  if (temporalUiUrl !== undefined && runId !== undefined) {
    const path = `/namespaces/${temporalNamespace}/workflows/${encodeURIComponent(`payout/${id}`)}/${runId}/history`;
    print(`\nIts workflow    ${temporalUiUrl}${path}`);
  }
  print(`API docs        ${apiUrl}/docs`);
  print(`Send another:\n
curl -sS ${apiUrl}/v1/payouts \\
  -H 'Authorization: Bearer ${keys.merchantKey}' \\
  -H "Idempotency-Key: $(date +%s%N)" \\
  -H 'Content-Type: application/json' \\
  -d '${JSON.stringify(DEMO_PAYOUT)}'\n`);
}
