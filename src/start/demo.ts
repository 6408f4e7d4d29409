import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { createRunReader } from './run-steps';
import type { Stack } from './stack';
import type { Print } from './steps';

const POLL_INTERVAL_MS = 200;

/** Longer than the slowest healthy payout takes on a slow machine. */
const PATIENCE_MS = 90_000;

const SETTLED = ['succeeded', 'failed', 'cancelled', 'in_review'];

const accepted = z.object({ id: z.string(), state: z.string() });

const events = z.object({
  data: z.array(
    z.object({
      sequence: z.number(),
      from: z.string().nullable(),
      to: z.string(),
      at: z.string(),
      actor: z.string(),
      reason: z.string().nullable(),
    }),
  ),
});

const webhooks = z.array(
  z.object({
    receivedAt: z.string(),
    id: z.string(),
    verified: z.boolean(),
    body: z.object({ type: z.string(), data: z.object({ id: z.string() }) }).nullable(),
  }),
);

/** A payout as a merchant would send it; the number belongs to nobody in the simulator's tables, so it succeeds. */
const DEMO_PAYOUT = {
  amount: 5_000,
  currency: 'XOF',
  description: 'Demonstration',
  method: 'orange_sn',
  recipient: { msisdn: '771234567' },
  customer: { email: 'awa@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
};

/**
 * Sends one payout by HTTP and prints what becomes of it: each step of its workflow, each change of its state, the
 * webhook as the receiver saw it, and where to look further.
 * @returns true when it succeeded and its webhook was verified.
 */
export async function runDemo(stack: Stack, print: Print): Promise<boolean> {
  const startedAt = Date.now();
  const say = (at: Date, text: string): void => {
    print(`  ${((at.getTime() - startedAt) / 1000).toFixed(2).padStart(6)} s  ${text}`);
  };
  const headers = { authorization: `Bearer ${stack.keys.merchantKey}`, 'content-type': 'application/json' };
  const get = async (url: string): Promise<unknown> =>
    (await fetch(url, { headers, signal: AbortSignal.timeout(5_000) })).json();

  print('\nOne payout of 5,000 XOF to an Orange Money number in Senegal:');
  const response = await fetch(`${stack.apiUrl}/v1/payouts`, {
    method: 'POST',
    headers: { ...headers, 'idempotency-key': randomUUID() },
    body: JSON.stringify(DEMO_PAYOUT),
    signal: AbortSignal.timeout(10_000),
  });
  if (response.status !== 202) throw new Error(`The API answered ${response.status}: ${await response.text()}`);
  const { id } = accepted.parse(await response.json());
  say(new Date(), `202 Accepted: ${id}`);

  const workflowId = `payout/${id}`;
  const run = await createRunReader(stack.temporalAddress, stack.temporalNamespace, workflowId);
  let state = 'accepted';
  let lastSequence = 0;
  let lastEventId = 0;
  let isNotified = false;
  try {
    while (Date.now() - startedAt < PATIENCE_MS && !(SETTLED.includes(state) && isNotified)) {
      const changes = events.parse(await get(`${stack.apiUrl}/v1/payouts/${id}/events`)).data;
      const steps = await run.stepsAfter(lastEventId);
      const lines = [
        ...steps.map(({ at, name }) => ({ at, text: `workflow  ${name}` })),
        ...changes
          .filter(({ sequence }) => sequence > lastSequence)
          .map(({ at, from, to, actor, reason }) => {
            const why = reason === null ? actor : `${actor}: ${reason}`;
            return { at: new Date(at), text: `state     ${from ?? '(new)'} → ${to}  (${why})` };
          }),
      ];
      for (const { at, text } of lines.sort((one, other) => one.at.getTime() - other.at.getTime())) say(at, text);
      state = changes.at(-1)?.to ?? state;
      lastSequence = changes.at(-1)?.sequence ?? lastSequence;
      lastEventId = steps.at(-1)?.eventId ?? lastEventId;
      const came = webhooks.parse(await get(`${stack.receiverUrl}/received`));
      const final = came.find(
        ({ verified, body }) => verified && body?.data.id === id && body.type === `payout.${state}`,
      );
      if (final && SETTLED.includes(state)) {
        say(
          new Date(final.receivedAt),
          `webhook   ${final.body?.type ?? ''} received, signature verified (${final.id})`,
        );
        isNotified = true;
      }
      await delay(POLL_INTERVAL_MS);
    }
    print(`\nFinal state: ${state}${isNotified ? '' : '; its webhook has not come'}`);
    printLinks(stack, id, workflowId, await run.runId(), print);
    return state === 'succeeded' && isNotified;
  } finally {
    await run.close();
  }
}

function printLinks(stack: Stack, id: string, workflowId: string, runId: string | undefined, print: Print): void {
  const { apiUrl, temporalUiUrl, temporalNamespace, keys } = stack;
  print('');
  if (temporalUiUrl !== undefined && runId !== undefined) {
    const path = `/namespaces/${temporalNamespace}/workflows/${encodeURIComponent(workflowId)}/${runId}/history`;
    print(`Its workflow    ${temporalUiUrl}${path}`);
  }
  print(`Its events      ${apiUrl}/v1/payouts/${id}/events`);
  print(`API docs        ${apiUrl}/docs`);
  print(`Send another:\n
curl -sS ${apiUrl}/v1/payouts \\
  -H 'Authorization: Bearer ${keys.merchantKey}' \\
  -H "Idempotency-Key: $(date +%s%N)" \\
  -H 'Content-Type: application/json' \\
  -d '${JSON.stringify(DEMO_PAYOUT)}'\n`);
}
