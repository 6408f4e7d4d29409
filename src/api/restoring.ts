import { isRestoring } from '../db/restores';
import type { Db } from '../db/pool';
import { ApiProblem } from './problem';

/** Milliseconds for which an answer is believed. What slips through is accepted, but nothing of it is sent. */
const FRESH_MS = 1_000;

/** Refuses what changes payouts while a database that went back in time is being reconciled; asked of it once a second. */
export function createRestoringCheck(db: Db): () => Promise<void> {
  let asked = { at: -Infinity, answer: false };
  return async () => {
    const now = performance.now();
    if (now - asked.at > FRESH_MS) asked = { at: now, answer: await isRestoring(db) };
    if (asked.answer) throw restoring();
  };
}

export function restoring(): ApiProblem {
  return new ApiProblem('restoring', { headers: { 'Retry-After': '30' } });
}
