import { z } from 'zod';

import { defineRoute } from '../route';

const readiness = z.object({ status: z.enum(['ok', 'unavailable']), checks: z.record(z.string(), z.boolean()) });

export const livenessRoute = defineRoute({
  method: 'get',
  path: '/livez',
  operationId: 'getLiveness',
  summary: 'The process runs.',
  tag: 'Service',
  access: 'public',
  answers: { 200: { description: 'Alive.', schema: z.object({ status: z.literal('ok') }) } },
  problems: [],
  handle: () => ({ status: 200, body: { status: 'ok' } }),
});

export const readinessRoute = defineRoute({
  method: 'get',
  path: '/readyz',
  operationId: 'getReadiness',
  summary: 'The database and Temporal answer. Payouts are accepted without Temporal too.',
  tag: 'Service',
  access: 'public',
  answers: {
    200: { description: 'Ready.', schema: readiness },
    503: { description: 'Something does not answer.', schema: readiness },
  },
  problems: [],
  async handle(_call, deps) {
    const results = await Promise.all(
      Object.entries(deps.readiness).map(async ([name, check]) => [name, await check().catch(() => false)] as const),
    );
    const isReady = results.every(([, holds]) => holds);
    return {
      status: isReady ? 200 : 503,
      body: { status: isReady ? 'ok' : 'unavailable', checks: Object.fromEntries(results) },
    };
  },
});

export const metricsRoute = defineRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'getMetrics',
  summary: 'Numbers for Prometheus.',
  tag: 'Service',
  access: 'public',
  answers: { 200: { description: "Prometheus' text format.", type: 'text/plain' } },
  problems: [],
  async handle(_call, { metrics: { registry } }) {
    return { status: 200, type: registry.contentType, body: await registry.metrics() };
  },
});
