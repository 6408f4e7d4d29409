import { BULK_REASONS, BULK_STATES, BULK_TRANSITIONS } from '../domain/bulk-state';

/** docs/bulk-states.md: what each state of a bulk means, where it may go, and why a bulk can be where it is. */
export function bulkStatesPage(): string {
  const states = Object.entries(BULK_STATES).map(([state, meaning]) => {
    const next = BULK_TRANSITIONS[state as keyof typeof BULK_STATES];
    return `| \`${state}\` | ${meaning} | ${next.length === 0 ? '–' : next.map((name) => `\`${name}\``).join(', ')} |`;
  });
  const arrows = Object.entries(BULK_TRANSITIONS).flatMap(([from, next]) => next.map((to) => `  ${from} --> ${to}`));
  const reasons = Object.entries(BULK_REASONS).map(([reason, meaning]) => `| \`${reason}\` | ${meaning} |`);
  return `# States of a bulk cash-in

Made by \`npm run docs\` from \`src/domain/bulk-state.ts\`. The same transitions are rows of \`bulk_transitions\`: PostgreSQL
refuses any other. The lines of a bulk are payouts with states of their own ([payout-states.md](payout-states.md)).

\`\`\`mermaid
stateDiagram-v2
  [*] --> receiving
${arrows.join('\n')}
\`\`\`

| state | means | may go to |
|---|---|---|
${states.join('\n')}

## Reasons

| reason | means |
|---|---|
${reasons.join('\n')}
`;
}
