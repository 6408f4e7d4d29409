import type { Judgement, Kill } from './judge';
import { VIOLATIONS } from './judge';
import type { SecretsScan } from './scan-secrets';

export interface ProveResult {
  judgement: Judgement;
  faults: Readonly<Record<string, number>>;
  kills: readonly Kill[];
  secrets: SecretsScan;
  /** What is known of what was found wrong. */
  details: readonly string[];
  seconds: number;
}

export interface Demands {
  kills: number;
  openAtKill: number;
}

/** Why the run proves nothing or proves us wrong, in words; empty where it passed. */
export function verdict({ judgement, faults, kills, secrets }: ProveResult, demands: Demands): readonly string[] {
  const missing = Object.entries(faults).flatMap(([name, count]) => (count === 0 ? [name] : []));
  const hits = kills.filter(({ open }) => open >= demands.openAtKill).length;
  return [
    ...VIOLATIONS.flatMap((name) => {
      const ids = judgement.violations[name];
      return ids.length === 0 ? [] : [`${name}: ${ids.length} (${ids.slice(0, 5).join(', ')})`];
    }),
    ...(missing.length === 0 ? [] : [`faults that never happened: ${missing.join(', ')}`]),
    ...(hits >= demands.kills
      ? []
      : [`only ${hits} of ${demands.kills} kills hit a process with at least ${demands.openAtKill} payouts under way`]),
    ...(secrets.found.length === 0 ? [] : [`secrets found in: ${secrets.found.slice(0, 5).join(', ')}`]),
  ];
}

/** The table that the run ends with. */
export function describeResult(result: ProveResult, demands: Demands): readonly string[] {
  const { judgement, faults, kills, secrets, details, seconds } = result;
  const line = (name: string, value: string | number): string => `  ${name.padEnd(44)} ${value}`;
  const byProcess = [...new Set(kills.map(({ process }) => process))].map(
    (name) => `${name} ${kills.filter(({ process }) => process === name).length}`,
  );
  const kinds = Object.entries(faults);
  const failed = verdict(result, demands);
  return [
    line('accepted', judgement.accepted),
    line('final', judgement.final),
    line('credited once', judgement.creditedOnce),
    ...VIOLATIONS.map((name) => line(`${name} (must be 0)`, judgement.violations[name].length)),
    line('open, the provider never tells', judgement.undecidable),
    line('open, the worker died in the middle of its call', judgement.interrupted),
    line('credited twice by the provider for one request', judgement.doubledByProvider),
    line('secrets found (must be 0)', `${secrets.found.length} in ${Math.round(secrets.bytes / 1_024)} KiB`),
    line('faults', `${kinds.reduce((sum, [, count]) => sum + count, 0)} of ${kinds.length} kinds`),
    line('kills', byProcess.join(', ')),
    line('payouts under way at each kill', kills.map(({ open }) => open).join(' ')),
    line('seconds', Math.round(seconds)),
    '',
    ...kinds.map(([name, count]) => `    ${String(count).padStart(5)}  ${name}`),
    '',
    ...(failed.length === 0 ? ['PASSED'] : failed.map((reason) => `FAILED: ${reason}`)),
    ...details.map((detail) => `  ${detail}`),
  ];
}
