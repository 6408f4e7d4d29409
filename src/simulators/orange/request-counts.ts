export const ENDPOINTS = [
  'token',
  'publicKey',
  'profile',
  'profiles',
  'changePin',
  'retailerBalance',
  'customerBalance',
  'cashIn',
  'bulkCashIn',
  'search',
  'status',
  'registerCallback',
  'listCallbacks',
  'simCards',
] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

const PIN_BEARING: ReadonlySet<Endpoint> = new Set([
  'changePin',
  'retailerBalance',
  'customerBalance',
  'cashIn',
  'bulkCashIn',
]);

export interface RequestCountsBody {
  readonly byEndpoint: Readonly<Record<Endpoint, number>>;
  /** Requests that reached an endpoint that takes a PIN, whatever the answer. */
  readonly pinBearing: number;
  readonly pinFree: number;
  /** PINs that were decrypted and compared, and those that were wrong. */
  readonly pinsChecked: number;
  readonly pinsWrong: number;
  /** How often each endpoint fault struck, as `endpoint/fault`. */
  readonly endpointFaults: Readonly<Record<string, number>>;
}

/** Counts since this process started or was reset; not journalled. */
export interface RequestCounts {
  arrived(endpoint: Endpoint): void;
  pinChecked(right: boolean): void;
  faultStruck(endpoint: Endpoint, fault: string): void;
  body(): RequestCountsBody;
  reset(): void;
}

export function createRequestCounts(): RequestCounts {
  let byEndpoint = zeroes();
  let pinsChecked = 0;
  let pinsWrong = 0;
  let endpointFaults: Record<string, number> = {};
  return {
    arrived: (endpoint) => {
      byEndpoint[endpoint] += 1;
    },
    pinChecked: (right) => {
      pinsChecked += 1;
      if (!right) pinsWrong += 1;
    },
    faultStruck: (endpoint, fault) => {
      const name = `${endpoint}/${fault}`;
      endpointFaults[name] = (endpointFaults[name] ?? 0) + 1;
    },
    body: () => {
      const sum = (bearing: boolean): number =>
        ENDPOINTS.filter((e) => PIN_BEARING.has(e) === bearing).reduce((total, e) => total + byEndpoint[e], 0);
      return {
        byEndpoint: { ...byEndpoint },
        pinBearing: sum(true),
        pinFree: sum(false),
        pinsChecked,
        pinsWrong,
        endpointFaults: { ...endpointFaults },
      };
    },
    reset: () => {
      byEndpoint = zeroes();
      pinsChecked = 0;
      pinsWrong = 0;
      endpointFaults = {};
    },
  };
}

function zeroes(): Record<Endpoint, number> {
  return Object.fromEntries(ENDPOINTS.map((endpoint) => [endpoint, 0])) as Record<Endpoint, number>;
}
