import type { BulkReport } from '../../src/simulators/orange';
import { PIN, RETAILER, type Answer, type OrangeClient } from './orange-client';

export const BULK = '/api/eWallet/v1/bulkcashins';
export const CALLBACK_URL = 'https://callbacks.cauri.test/bulk/chunk-1?a=b';

/** The body of Orange's answer to a bulk call. */
export interface BulkAnswer {
  readonly bulkId: string;
  readonly status: string;
  readonly description: string;
}

interface BulkLine extends Readonly<Record<string, unknown>> {
  readonly partner: { readonly id: string; readonly encryptedPinCode: string };
}

interface LineOptions {
  readonly override?: Record<string, unknown>;
  readonly pin?: string;
}

/** A line of 1,500 XOF for each recipient, with references `line-0`, `line-1` and so on, all with one PIN block. */
export async function linesTo(
  client: OrangeClient,
  recipients: readonly string[],
  options: LineOptions = {},
): Promise<BulkLine[]> {
  const encryptedPinCode = await client.encrypt(options.pin ?? PIN);
  return recipients.map((id, index) => ({
    partner: { idType: 'MSISDN', id: RETAILER, encryptedPinCode, walletType: 'PRINCIPAL' },
    customer: { idType: 'MSISDN', id, walletType: 'PRINCIPAL' },
    amount: { value: 1500, unit: 'XOF' },
    reference: `line-${index}`,
    ...options.override,
  }));
}

/** So many recipients whose numbers mean nothing. */
export function plain(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(775_000_000 + index));
}

export function postBulk(client: OrangeClient, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return client.send('POST', BULK, { body, headers: { 'X-Callback-Url': CALLBACK_URL, ...headers } });
}

export async function bulk(client: OrangeClient, recipients: readonly string[]): Promise<Answer> {
  return postBulk(client, await linesTo(client, recipients));
}

export function bulkIdOf(answer: Answer): string {
  return (answer.body as unknown as BulkAnswer).bulkId;
}

/** The answer, or `lost` when the connection ended without a whole one. */
export function bulkOrLost(client: OrangeClient, recipients: readonly string[]): Promise<Answer | 'lost'> {
  return bulk(client, recipients).catch(() => 'lost' as const);
}

export function lastBulk({ simulator }: OrangeClient): BulkReport {
  const report = simulator.bulks().at(-1);
  if (report === undefined) throw new Error('no bulk call arrived');
  return report;
}

/** References of the credits, in order. */
export function creditedLines({ simulator }: OrangeClient): (string | null)[] {
  return simulator.ledger().credits.map(({ reference }) => reference);
}
