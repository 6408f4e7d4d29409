import { z } from 'zod';

import { readReadiness } from '../read-readiness';
import { defineRoute } from '../route';

const readiness = z.object({
  status: z.enum(['ok', 'degraded', 'unavailable']),
  checks: z.record(z.string(), z.boolean()),
});

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
  summary: 'Whether requests can be answered: `degraded` without Temporal, since payouts are accepted all the same.',
  tag: 'Service',
  access: 'public',
  answers: {
    200: { description: 'Ready.', schema: readiness },
    503: {
      description: 'The database does not answer, or is not the one that belongs to this process; the log says why.',
      schema: readiness,
    },
  },
  problems: [],
  async handle(_call, deps) {
    const checks = await readReadiness(deps.readiness);
    // A load balancer must not take the API away while Temporal is down: a payout is accepted then too.
    const canAccept = Object.entries(checks).every(([name, holds]) => holds || name === 'temporal');
    if (!canAccept) return { status: 503, body: { status: 'unavailable', checks } };
    return { status: 200, body: { status: checks['temporal'] === false ? 'degraded' : 'ok', checks } };
  },
});
