import { LINE_RESTS } from '../domain/bulk';
import { PAYOUT_STATE_NAMES } from '../domain/payout-state';
import { REASONS } from '../domain/reasons';
import type { BulkApi } from './api';
import type { Screen } from './screen';

const OPEN_STATES = PAYOUT_STATE_NAMES.filter((state) => !LINE_RESTS.includes(state));

/** Says why lines are not at an end, by state and reason, with the first of each. */
export async function tellWaiting(bulkId: string, { api, screen }: { api: BulkApi; screen: Screen }): Promise<void> {
  const items = await api.items(bulkId, OPEN_STATES);
  screen.say(`Nothing moved for a while. It goes on; watch it again with: npm run bulk -- --watch ${bulkId}`);
  const groups = new Map<string, number[]>();
  for (const { line, payout } of items) {
    // A newer API may have reasons that are not known here.
    const meaning = (REASONS as Readonly<Record<string, string | undefined>>)[payout.reason] ?? '';
    const why = `${payout.state}, ${payout.reason}: ${meaning}`;
    groups.set(why, [...(groups.get(why) ?? []), line]);
  }
  for (const [why, lines] of groups) {
    const shown = lines.slice(0, 10).join(', ');
    screen.say(`  ${why}  (line ${shown}${lines.length > 10 ? ` and ${lines.length - 10} more` : ''})`);
  }
}
