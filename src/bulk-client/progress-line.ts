import type { BulkView } from './api-views';
import { describeLines, restingLines, tally } from './tally';

const BAR_WIDTH = 24;

/** `[██████░░░░░░] running  50 %  paid 6, under way 2, waiting 4`, with rate and end where the API tells them. */
export function progressBar(bulk: BulkView): string {
  const full = Math.floor(restingShare(bulk) * BAR_WIDTH);
  return `[${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}] ${progressWords(bulk)}`;
}

/** The same without the bar, for logs. */
export function progressWords(bulk: BulkView): string {
  return `${bulk.state.replaceAll('_', ' ')} ${words(bulk)}`;
}

function words(bulk: BulkView): string {
  // Rounded down, so that 100 % means all.
  const percent = `${Math.floor(restingShare(bulk) * 100)} %`.padStart(5);
  const rate = bulk.rate == null ? [] : [`${Math.round(bulk.rate).toLocaleString('en')} lines/min`];
  const end = bulk.estimated_end == null ? [] : [`ends about ${timeOf(bulk.estimated_end)}`];
  return [percent, describeLines(tally(bulk.progress)), ...rate, ...end].filter((part) => part !== '').join('  ');
}

function restingShare({ lines, progress }: BulkView): number {
  return lines === 0 ? 0 : Math.min(1, restingLines(tally(progress)) / lines);
}

/** Hours and minutes of this machine's clock. */
function timeOf(iso: string): string {
  return new Date(iso).toTimeString().slice(0, 5);
}
