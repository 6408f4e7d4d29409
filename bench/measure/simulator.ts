import { z } from 'zod';

const requests = z.object({ byEndpoint: z.record(z.string(), z.number()) });
const ledger = z.object({ credits: z.array(z.object({ reference: z.string() })) });

export interface SimulatorCounts {
  /** HTTP requests that reached it. */
  requests: number;
  /** Status calls among them. */
  statusCalls: number;
  /** Bulk calls among them. */
  bulkCalls: number;
  /** Movements of money to customers. */
  credits: number;
}

/** What the simulator has seen and truly moved since its start. */
export async function readSimulator(url: string): Promise<SimulatorCounts> {
  const { byEndpoint } = requests.parse(await getJson(`${url}/_sim/requests`));
  const { credits } = ledger.parse(await getJson(`${url}/_sim/ledger`));
  return {
    requests: Object.values(byEndpoint).reduce((sum, count) => sum + count, 0),
    statusCalls: byEndpoint['status'] ?? 0,
    bulkCalls: byEndpoint['bulkCashIn'] ?? 0,
    credits: credits.length,
  };
}

async function getJson(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}
