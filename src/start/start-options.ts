import { parseArgs } from 'node:util';
import { findFreePort } from './ports';

/** Everything that listens, with its port where nothing else is asked for. */
const DEFAULT_PORTS = {
  api: 3000,
  simulator: 3001,
  receiver: 3002,
  worker: 3003,
  temporal: 7233,
  ui: 8233,
  postgres: 54_329,
  metrics: 3004,
} as const;

export type PortName = keyof typeof DEFAULT_PORTS;

export type Ports = Readonly<Record<PortName, number>>;

export const PORT_NAMES = Object.keys(DEFAULT_PORTS) as PortName[];

export interface StartFlags {
  /** End after the demonstration, with its exit code. */
  once: boolean;
  demo: boolean;
  /** Forget the state, but not the downloaded executables. */
  reset: boolean;
  /** End the start that runs on the same state, and take its place. */
  replace: boolean;
  help: boolean;
  /** First of consecutive ports; 0: any free ones. */
  portBase?: number;
}

/** @throws Error that names a flag that does not exist or a value that is none. */
export function parseStartFlags(args: readonly string[]): StartFlags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: 'boolean', default: false },
      'no-demo': { type: 'boolean', default: false },
      reset: { type: 'boolean', default: false },
      replace: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      'port-base': { type: 'string' },
    },
  });
  const base = values['port-base'];
  const { once, reset, replace, help } = values;
  const flags = { once, demo: !values['no-demo'], reset, replace, help };
  return base === undefined ? flags : { ...flags, portBase: parsePort('--port-base', base) };
}

/**
 * Each port from `CAURI_PORT_<NAME>`, else counted from the base (the flag, or `CAURI_PORT_BASE`), else its default.
 * @throws Error that names a variable that is no port.
 */
export async function choosePorts(env: NodeJS.ProcessEnv, portBase?: number): Promise<Ports> {
  const baseVariable = env['CAURI_PORT_BASE'];
  const base = portBase ?? (baseVariable ? parsePort('CAURI_PORT_BASE', baseVariable) : undefined);
  const choose = async (name: PortName, index: number): Promise<number> => {
    const variable = portVariable(name);
    const own = env[variable];
    if (own) return parsePort(variable, own);
    if (base === undefined) return DEFAULT_PORTS[name];
    return base === 0 ? findFreePort() : base + index;
  };
  const entries = await Promise.all(PORT_NAMES.map(async (name, index) => [name, await choose(name, index)] as const));
  return Object.fromEntries(entries) as Record<PortName, number>;
}

export function portVariable(name: PortName): string {
  return `CAURI_PORT_${name.toUpperCase()}`;
}

function parsePort(name: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_000) return port;
  throw new Error(`${name}: "${text}" is no port; expected a whole number from 0 to 65000.`);
}
