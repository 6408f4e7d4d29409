import { parseReference } from '../domain/reference';
import type { Evidence, Judgement } from './judge';

/** Of each kind of violation so many are told more of. */
const MOST = 5;

/** What Cauri told and what the provider did of the payouts that were found wrong: where to begin to look. */
export function explainViolations({ violations }: Judgement, { told, truth }: Evidence): readonly string[] {
  const ids = new Set(Object.values(violations).flatMap((all) => all.slice(0, MOST)));
  return [...ids].flatMap((id) => {
    const said = told.get(id);
    if (!said) return [];
    const calls = truth.references.filter(({ reference }) => parseReference(reference)?.payoutId === id);
    return [
      `${id} is ${said.state}${said.history === undefined ? '' : `: ${said.history}`}`,
      ...calls.map(
        ({ reference, scenarios, answers, revealed, credited }) =>
          `  ${reference}: ${scenarios.join(', ')}; answered ${answers.map((answer) => answer ?? 'not').join(', ')}; ` +
          `told by ${revealed}; credited ${credited}`,
      ),
      ...(calls.length === 0 ? ['  no request of it ever arrived'] : []),
    ];
  });
}
