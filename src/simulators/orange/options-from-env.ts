import type { OrangeSimulatorOptions } from './options';

const NUMBERS = {
  SIMULATOR_PORT: 'port',
  SIMULATOR_SEED: 'seed',
  SIMULATOR_SETTLEMENT_DELAY_MS: 'settlementDelayMs',
  SIMULATOR_TOKEN_LIFE_SECONDS: 'tokenLifeSeconds',
} as const;

const JSON_VALUES = {
  SIMULATOR_CLIENTS: 'clients',
  SIMULATOR_ACCOUNTS: 'accounts',
  SIMULATOR_FAULTS: 'faults',
  SIMULATOR_ENDPOINT_FAULTS: 'endpointFaults',
  SIMULATOR_CALLBACKS: 'callbacks',
  SIMULATOR_BULK: 'bulk',
  SIMULATOR_HTTPS_HOST_MAP: 'httpsHostMap',
  SIMULATOR_TIMINGS: 'timings',
} as const;

/**
 * Reads the SIMULATOR_* variables of docs/simulator.md; what they may hold is judged by the options' own schema. Throws one
 * error that names every variable that is no number or no JSON.
 */
export function optionsFromEnv(env: Readonly<Record<string, string | undefined>>): OrangeSimulatorOptions {
  const options: Record<string, unknown> = {};
  const wrong: string[] = [];

  function take(variable: string, option: string, parse: (text: string) => unknown, kind: string): void {
    const text = env[variable];
    if (text === undefined || text === '') return;
    try {
      options[option] = parse(text);
    } catch {
      wrong.push(`${variable} must be ${kind}`);
    }
  }

  for (const [variable, option] of Object.entries(NUMBERS)) take(variable, option, parseNumber, 'a number');
  for (const [variable, option] of Object.entries(JSON_VALUES)) take(variable, option, JSON.parse, 'JSON');
  take('SIMULATOR_JOURNAL', 'journalPath', (path) => path, 'a path');
  take('SIMULATOR_RATE_LIMIT_PER_MINUTE', 'rateLimitPerMinute', parseLimit, 'a number or "off"');
  if (wrong.length > 0) throw new Error(`invalid configuration\n${wrong.join('\n')}`);
  return options;
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (Number.isNaN(value)) throw new Error('no number');
  return value;
}

function parseLimit(text: string): number | null {
  return text === 'off' ? null : parseNumber(text);
}
