import { gzipSync } from 'node:zlib';

import { findCanaries } from '../../src/prove/canary-scan';

const CANARY = 'C4N4RY-0123456789';

describe('the canary scan', () => {
  test.each([
    ['in clear', `x ${CANARY} y`],
    ['as base64', `{"data":"${Buffer.from(`pin=${CANARY}`).toString('base64')}"}`],
    ['as base64url', Buffer.from(`??${CANARY}??`).toString('base64url')],
    ['as hex', `\\x${Buffer.from(CANARY).toString('hex')}`],
    ['URL-encoded', Buffer.from(CANARY).toString('hex').replace(/../g, '%$&')],
    ['gzipped', gzipSync(`secret ${CANARY}`)],
    ['gzipped in base64', gzipSync(CANARY).toString('base64')],
    ['base64 in base64', Buffer.from(Buffer.from(CANARY).toString('base64')).toString('base64')],
  ])('finds a marked value %s', (_how, haystack) => {
    expect(findCanaries(haystack, [CANARY])).toEqual([CANARY]);
  });

  test('finds nothing where nothing is', () => {
    expect(findCanaries(Buffer.from('nothing of the kind'.repeat(50)).toString('base64'), [CANARY])).toEqual([]);
  });
});
