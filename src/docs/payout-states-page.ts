import { PAYOUT_STATES, PAYOUT_TRANSITIONS } from '../domain/payout-state';
import { REASONS } from '../domain/reasons';

/** docs/payout-states.md: what each state means, where it may go, and why a payout can be where it is. */
export function payoutStatesPage(): string {
  const transitions = Object.entries(PAYOUT_TRANSITIONS);
  const states = Object.entries(PAYOUT_STATES).map(([state, meaning]) => {
    const next = PAYOUT_TRANSITIONS[state as keyof typeof PAYOUT_STATES];
    return `| \`${state}\` | ${meaning} | ${next.length === 0 ? '–' : next.map((name) => `\`${name}\``).join(', ')} |`;
  });
  const arrows = transitions.flatMap(([from, next]) => next.map((to) => `  ${from} --> ${to}`));
  const reasons = Object.entries(REASONS).map(([reason, meaning]) => `| \`${reason}\` | ${meaning} |`);
  return `# States of a payout

Made by \`npm run docs\` from \`src/domain/payout-state.ts\` and \`src/domain/reasons.ts\`. The same transitions are rows of
\`payout_transitions\`: PostgreSQL refuses any other.

\`\`\`mermaid
stateDiagram-v2
  [*] --> queued
  [*] --> scheduled
${arrows.join('\n')}
\`\`\`

| state | means | may go to |
|---|---|---|
${states.join('\n')}

\`unknown\` is never called \`failed\`: the hold stays until a look-up, a callback that a look-up confirms, a statement that
shows it paid or two people with evidence tell what happened. A final state is left only by people, with evidence (and \`failed\` by a retry).

## Reasons

Each state comes with a reason, and each change of it is an event with actor and time.

| reason | means |
|---|---|
${reasons.join('\n')}
`;
}
