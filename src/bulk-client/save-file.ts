import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

import type { BulkApi } from './api';
import { insist } from './insist';
import type { InsistOptions } from './insist';

type Download = InsistOptions & { api: BulkApi; bulkId: string };

/** Writes the report of a refused file; one of an earlier try is replaced. */
export async function saveErrors(path: string, { api, bulkId, ...insistence }: Download): Promise<void> {
  const part = `${path}.part`;
  await insist(() => pipeline(api.download(bulkId, 'errors.csv', 'people'), createWriteStream(part)), insistence);
  await rename(part, path);
}

/**
 * Writes the result of a bulk, whole or not at all. A file of that name that is no earlier result of this very bulk is
 * kept: the result gets a name that carries the bulk's id.
 * @returns the path that was written.
 */
export async function saveResult(path: string, { api, bulkId, ...insistence }: Download): Promise<string> {
  const part = `${path}.${bulkId}.part`;
  try {
    await insist(() => pipeline(api.download(bulkId, 'result.csv', 'people'), createWriteStream(part)), insistence);
    const present = await firstPayout(path);
    const isFree = present === null || (present !== '' && present === (await firstPayout(part)));
    const target = isFree ? path : ownName(path, bulkId);
    await rename(part, target);
    return target;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

function ownName(path: string, bulkId: string): string {
  return `${path.replace(/(\.result)?\.csv$/i, '')}.${bulkId}.result.csv`;
}

/** Line and id of the first payout, which no other bulk has; '' in any other file, null without a file. */
async function firstPayout(path: string): Promise<string | null> {
  const file = await open(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return null;
  try {
    let isHeader = true;
    for await (const row of file.readLines()) {
      const [payout] = /^\d+[,;]po_\w+/.exec(row) ?? [];
      if (payout !== undefined) return payout;
      // Lines that were left out may stand before it.
      if (!isHeader && !/^\d+([,;])\1skipped\1/.test(row)) return '';
      isHeader = false;
    }
    return '';
  } finally {
    await file.close();
  }
}
