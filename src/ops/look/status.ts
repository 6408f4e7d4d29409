interface Status {
  at: string;
  ready: Readonly<Record<string, boolean>>;
  lines: readonly { topic: string; attention: boolean; text: string; since: string | null; see: string | null }[];
}

/** The screen of `ops status`: readiness first, then what needs attention (`!`), then the rest. */
export function statusLines(answer: unknown): readonly string[] {
  const { at, ready, lines } = answer as Status;
  const checks = Object.entries(ready).map(([name, holds]) => `${name} ${holds ? 'ok' : 'FAILS'}`);
  const isReady = Object.values(ready).every(Boolean);
  const sorted = [...lines.filter(({ attention }) => attention), ...lines.filter(({ attention }) => !attention)];
  const topics = Math.max(0, ...sorted.map(({ topic }) => topic.length));
  return [
    `${at}  api: ${checks.join(', ')}${isReady ? '' : '  !'}`,
    ...(sorted.some(({ attention }) => attention) ? [] : ['nothing needs attention']),
    ...sorted.map(({ topic, attention, text, since, see }) =>
      [
        `${attention ? '!' : ' '} ${topic.padEnd(topics)}  ${text}`,
        since === null ? '' : `  since ${since} (${ageWords(Date.parse(at) - Date.parse(since))})`,
        see === null || !attention ? '' : `  → ops ${see}`,
      ].join(''),
    ),
  ];
}

function ageWords(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2_880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1_440)} days`;
}
