import { z } from 'zod';

import { isKeyValid } from '../../db/api-keys';
import { isRestingBulk } from '../../domain/bulk-state';
import { isToldOfEnd, parsePosition } from '../bulk-stream/news';
import { createBulkStream } from '../bulk-stream/stream';
import { readOwnBulk } from '../own-bulk';
import { defineRoute } from '../route';
import { bulkParams } from '../schemas/bulk';

const MEDIA_TYPE = 'text/event-stream';

export const streamBulkRoute = defineRoute({
  method: 'get',
  path: '/v1/bulk-cash-ins/{bulkId}/stream',
  operationId: 'streamBulkCashIn',
  summary: 'A bulk and its progress as server-sent events, until it is at rest.',
  tag: 'Bulk cash-ins',
  access: 'merchant',
  params: bulkParams,
  headers: z.object({
    'Last-Event-ID': z
      .string()
      .optional()
      .meta({ description: 'The id of the last event that came; goes on after it.' }),
  }),
  answers: {
    200: {
      description:
        '`state`: one change of the bulk’s state. `progress`: the bulk as `GET` answers it, at first and where it changed, ' +
        'about once a second at most. `end`: the same, and nothing follows.',
      type: MEDIA_TYPE,
    },
    204: { description: 'It is at rest, and `Last-Event-ID` is its end: do not connect again.' },
  },
  problems: ['unavailable'],
  async handle({ principal, params, request }, { pool, watches }) {
    const { keyId } = principal;
    const { id, version, state } = await readOwnBulk(pool, principal, params.bulkId);
    const position = parsePosition(request.get('last-event-id'));
    if (isToldOfEnd(position, { version, isAtRest: isRestingBulk(state) })) return { status: 204 };
    // Proxies that collect an answer before they send it would hold it back to its end.
    const answer = { status: 200, type: MEDIA_TYPE, headers: { 'X-Accel-Buffering': 'no' } };
    if (request.method === 'HEAD') return { ...answer, body: '' };
    return {
      ...answer,
      stream: createBulkStream(watches, { bulkId: id, position, mayWatch: () => isKeyValid(pool, keyId) }),
    };
  },
});
