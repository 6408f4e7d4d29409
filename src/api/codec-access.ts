import { createHash, timingSafeEqual } from 'node:crypto';

import type { Request } from 'express';

import type { ApiConfig } from './deps';
import { ApiProblem } from './problem';

/**
 * Who may have payloads decoded: with CODEC_TOKEN its bearer; without one nobody, except that a development machine
 * (ALLOW_LOOPBACK_CODEC) answers callers on loopback. A page of another origin than the Temporal UI is refused whoever
 * runs it, so that a web site cannot ask through somebody's browser.
 */
export function assertCodecAccess(request: Request, config: ApiConfig): void {
  const { origin, authorization } = request.headers;
  if (origin !== undefined && origin !== uiOrigin(config)) throw new ApiProblem('origin_refused');
  if (config.CODEC_TOKEN === undefined) {
    // Behind a proxy on this machine every caller comes from loopback.
    const isForwarded = request.headers['x-forwarded-for'] !== undefined || request.headers.forwarded !== undefined;
    const isOpen = config.ALLOW_LOOPBACK_CODEC && !isForwarded && isLoopback(request.socket.remoteAddress);
    if (!isOpen) throw new ApiProblem('origin_refused');
  } else if (!isEqual(authorization ?? '', `Bearer ${config.CODEC_TOKEN}`)) {
    throw new ApiProblem('unauthenticated', { headers: { 'WWW-Authenticate': 'Bearer', ...corsHeaders(config) } });
  }
}

/** CORS for the Temporal UI's origin alone. */
export function corsHeaders(config: ApiConfig): Record<string, string> {
  return { 'Access-Control-Allow-Origin': uiOrigin(config), Vary: 'Origin' };
}

function uiOrigin({ TEMPORAL_UI_URL }: ApiConfig): string {
  return new URL(TEMPORAL_UI_URL).origin;
}

function isLoopback(address: string | undefined): boolean {
  const plain = address?.replace(/^::ffff:/, '') ?? '';
  return plain === '::1' || plain.startsWith('127.');
}

function isEqual(given: string, expected: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
}
