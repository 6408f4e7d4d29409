import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';

import { describeAmount } from './amounts';
import { ApiRefusal } from './api-errors';
import type { AcceptedView } from './api-views';
import { countLines, hashFile } from './count-lines';
import { EXIT_CODES } from './exit-code';
import type { ExitCode } from './exit-code';
import { fileFormatOf, MEDIA_TYPES } from './file-format';
import { insist } from './insist';
import { UsageError } from './options';
import type { SendCommand } from './options';
import { tellAccepted, tellCheck, tellRefusal } from './tell-answer';
import type { TellDeps } from './tell-answer';

export type Sent = { kind: 'accepted'; bulk: AcceptedView } | { kind: 'ended'; exitCode: ExitCode };

/** Counts the file, sends it, and tells what became of it. Throws what is neither an acceptance nor a refusal. */
export async function sendFile(command: SendCommand, deps: TellDeps): Promise<Sent> {
  const { api, say, signal } = deps;
  const { file, options, dryRun } = command;
  const format = fileFormatOf(file);
  if (format === null) throw new UsageError(`${file}: name it .csv, .ndjson, .jsonl or .json, as what it is`);
  const [counted, hash] = await Promise.all([countLines(file, format), hashFile(file)]);
  const { lines, total, currency } = counted;
  say(
    `${file}: ${lines.toLocaleString('en')} lines, ${describeAmount(total, currency)}, SHA-256 ${hash.slice(0, 12)}…`,
  );
  if (!counted.isWhole) say('It could not be counted to its end; the API tells why.');
  const idempotencyKey = command.idempotencyKey ?? keyOf(hash, options);
  say(
    command.idempotencyKey === undefined
      ? `Idempotency-Key ${idempotencyKey}, made of the file and the options: this command again is the same bulk again.`
      : `Idempotency-Key ${idempotencyKey}`,
  );
  const upload = {
    body: () => Readable.toWeb(createReadStream(file)) as NonNullable<RequestInit['body']>,
    mediaType: MEDIA_TYPES[format],
    options: {
      ...options,
      declared_count: String(lines),
      declared_total: total.toString(),
      ...(dryRun ? { dry_run: 'true' } : {}),
    },
    idempotencyKey,
  };
  let wasRepeated = false;
  const onTrouble = (why: string, gapMs: number): void => {
    wasRepeated = true;
    say(`${why}; sent again under the same key in ${Math.ceil(gapMs / 1_000)} s.`);
  };
  try {
    const answer = await insist(() => api.upload(upload), { onTrouble, signal });
    if (answer.kind === 'checked') return { kind: 'ended', exitCode: await tellCheck(answer.check, file, deps) };
    await tellAccepted(answer.bulk, { isReplay: answer.isReplay, wasRepeated, file }, deps);
    return answer.isReplay && dryRun
      ? { kind: 'ended', exitCode: EXIT_CODES.paid }
      : { kind: 'accepted', bulk: answer.bulk };
  } catch (error) {
    if (!(error instanceof ApiRefusal) || !isAboutContent(error)) throw error;
    await tellRefusal(error, file, deps);
    return { kind: 'ended', exitCode: EXIT_CODES.refused };
  }
}

/** The same file with the same options has the same key, whenever and wherever it is sent. */
function keyOf(hash: string, options: Readonly<Record<string, string>>): string {
  const named = Object.entries(options).sort(([one], [other]) => one.localeCompare(other));
  const content = JSON.stringify([hash, named]);
  return `file-${createHash('sha256').update(content).digest('hex').slice(0, 32)}`;
}

/** Of the file or its key; the others are about who asks, or where. */
function isAboutContent({ status }: ApiRefusal): boolean {
  return [400, 409, 413, 415, 422].includes(status);
}
