import { LINE_GROUP_NAMES, groupWords, tally } from './tally';
import { describeAmount } from './amounts';
import type { BulkApi } from './api';
import { ApiRefusal } from './api-errors';
import type { BulkView } from './api-views';
import { EXIT_CODES, exitCodeOf } from './exit-code';
import type { ExitCode } from './exit-code';
import { followBulk } from './follow-bulk';
import { mayPass } from './insist';
import type { SendCommand, WatchCommand } from './options';
import { saveResult } from './save-file';
import type { Screen } from './screen';
import { sendFile } from './send-file';
import { tellWaiting } from './tell-waiting';

export interface ClientDeps {
  api: BulkApi;
  screen: Screen;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}

/** Sends a file, or takes up a bulk by its id; watches it to its end; writes its result. */
export async function runBulkClient(command: SendCommand | WatchCommand, deps: ClientDeps): Promise<ExitCode> {
  const { api, screen, signal } = deps;
  let bulkId = command.kind === 'watch' ? command.bulkId : null;
  try {
    if (command.kind === 'send') {
      const sent = await sendFile(command, { api, say: (line) => screen.say(line), signal });
      if (sent.kind === 'ended') return sent.exitCode;
      bulkId = sent.bulk.id;
      if (!command.wait) {
        screen.say(`Watch it with: npm run bulk -- --watch ${bulkId}`);
        return EXIT_CODES.paid;
      }
    }
    const { bulk, isStalled } = await followBulk(bulkId ?? '', { ...deps, giveUpAfterMs: command.giveUpAfterMs });
    tellEnd(bulk, screen);
    if (isStalled) await tellWaiting(bulk.id, deps);
    if (bulk.state !== 'invalid') await keepResult(bulk.id, command, deps);
    return isStalled ? EXIT_CODES.unfinished : exitCodeOf(bulk);
  } catch (error) {
    screen.close();
    if (!signal.aborted) throw bulkId === null ? error : withHint(error, bulkId);
    screen.say(
      bulkId === null
        ? 'Broken off. If the API had the whole of it, it is accepted: the same command again is the same bulk.'
        : `The bulk goes on without being watched. Watch it again with: npm run bulk -- --watch ${bulkId}`,
    );
    return EXIT_CODES.interrupted;
  }
}

function tellEnd(bulk: BulkView, screen: Screen): void {
  const { id, state, currency, skipped_lines: skipped } = bulk;
  const { lines, amounts } = tally(bulk.progress);
  const why = state === 'rejected' ? (bulk.approval?.reason ?? bulk.reason) : null;
  screen.say(`${id} is ${state}${why === null ? '' : ` (${why})`}.`);
  for (const group of LINE_GROUP_NAMES.filter((each) => lines[each] > 0)) {
    const count = lines[group].toLocaleString('en').padStart(9);
    screen.say(`  ${groupWords(group).padEnd(10)}${count}   ${describeAmount(amounts[group], currency)}`);
  }
  if (skipped > 0) screen.say(`  left out  ${skipped.toLocaleString('en').padStart(9)}`);
}

async function keepResult(bulkId: string, command: SendCommand | WatchCommand, deps: ClientDeps): Promise<void> {
  const { api, screen, signal } = deps;
  const wanted = command.result ?? `${command.kind === 'send' ? command.file : bulkId}.result.csv`;
  const onTrouble = (why: string): void => screen.say(`${why}; asking for the result again.`);
  const written = await saveResult(wanted, { api, bulkId, signal, onTrouble });
  if (written !== wanted) screen.say(`${wanted} is there already and is of another bulk: it was left as it is.`);
  screen.say(`Result, line by line: ${written}`);
}

/** A bulk that the API knows can be taken up again, whatever went wrong here. */
function withHint(error: unknown, bulkId: string): unknown {
  if (error instanceof ApiRefusal && !mayPass(error)) return error;
  const { message } = error as Error;
  return new Error(`${message}\nTake it up again with: npm run bulk -- --watch ${bulkId}`, { cause: error });
}
