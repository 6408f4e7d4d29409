import { describeAmount } from './amounts';
import type { BulkApi } from './api';
import type { BulkView } from './api-views';
import { hashFile } from './count-lines';
import { EXIT_CODES } from './exit-code';
import type { ExitCode } from './exit-code';
import type { DecideCommand } from './options';

interface DecideDeps {
  api: BulkApi;
  say: (line: string) => void;
}

/** Lists what waits for the approval of the key's person, with what a decision is about. */
export async function listApprovals({ api, say }: DecideDeps): Promise<ExitCode> {
  const bulks = await api.approvals();
  if (bulks.length === 0) say('No bulk waits for your approval.');
  for (const bulk of bulks) {
    say(`${describe(bulk)}, until ${bulk.approval?.expires_at ?? 'it is decided'}`);
    say(`  content ${bulk.content_sha256 ?? 'unknown'}`);
  }
  return EXIT_CODES.paid;
}

/** Decides about the content as the API shows it, or about the file that was named and no other. */
export async function decide(
  { kind, bulkId, file, reason }: DecideCommand,
  { api, say }: DecideDeps,
): Promise<ExitCode> {
  const bulk = await api.read(bulkId);
  const hash = bulk.content_sha256 ?? '';
  if (file !== undefined && (await hashFile(file)) !== hash) {
    say(`${bulkId} was not made of ${file}: nothing is decided.`);
    return EXIT_CODES.refused;
  }
  say(describe(bulk));
  const decided = await api.decide(bulkId, kind, { content_hash: hash, ...(reason === undefined ? {} : { reason }) });
  say(`${kind === 'approve' ? 'Approved' : 'Refused'}: ${bulkId} is ${decided.state}.`);
  return EXIT_CODES.paid;
}

function describe({ id, lines, total, currency, created_by: by }: BulkView): string {
  return `${id}: ${lines} lines, ${describeAmount(BigInt(total), currency)}, sent by ${by ?? 'another person'}`;
}
