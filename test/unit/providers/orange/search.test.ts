import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createOrangeProvider } from '../../../../src/providers/orange';
import type { OrangeOptions } from '../../../../src/providers/orange';
import type { LookUpQuery, Provider } from '../../../../src/providers/provider';

const SINCE = new Date('2026-01-01T10:00:00.500Z');
const QUERY: LookUpQuery = {
  reference: 'sub_0001',
  since: SINCE,
  account: { clientId: 'c', clientSecret: 's', accountNumber: '781234567', idType: 'MSISDN' },
  token: 't',
  nextPage: () => Promise.resolve(),
};
const ROW = {
  transactionId: 'CI220928.1029.C58502',
  type: 'CASHIN',
  status: 'SUCCESS',
  amount: { value: 10.0, unit: 'XOF' },
  reference: 'sub_0001',
  partner: { id: '781234567', idType: 'MSISDN' },
  customer: { id: '771234567', idType: 'MSISDN' },
};

const closing: (() => Promise<unknown>)[] = [];

afterEach(() => Promise.all(closing.splice(0).map((close) => close())));

/** A provider whose searches are answered page by page, and the queries that it was asked. */
async function serve(
  answer: (page: number) => { status?: number; body: unknown },
  options: Partial<OrangeOptions> = {},
): Promise<{ provider: Provider; queries: URLSearchParams[] }> {
  const queries: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://x').searchParams;
    queries.push(query);
    const { status, body } = answer(Number(query.get('page')));
    response.writeHead(status ?? 200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { provider: createOrangeProvider({ baseUrl, lookUpPageSize: 2, ...options }), queries };
}

it('searches by reference from before the submission, and never by type', async () => {
  const { provider, queries } = await serve(() => ({ body: [] }), { lookUpBackMarginMs: 120_000 });
  expect(await provider.lookUp(QUERY)).toEqual([]);
  expect(queries.map((query) => Object.fromEntries(query))).toEqual([
    { reference: 'sub_0001', fromDateTime: '2026-01-01T09:58:00.500Z', page: '0', size: '2' },
  ]);
});

it('writes times without a zone where that is wanted', async () => {
  const { provider, queries } = await serve(() => ({ body: [] }), { searchTimes: 'zoneless' });
  await provider.lookUp(QUERY);
  expect(queries[0]!.get('fromDateTime')).toBe('2026-01-01T09:58:00');
});

it('reads on after a full page, even where nothing follows', async () => {
  const pages = [[ROW, { ...ROW, transactionId: 'second' }], []];
  const { provider, queries } = await serve((page) => ({ body: pages[page] }));
  expect(await provider.lookUp(QUERY)).toHaveLength(2);
  expect(queries).toHaveLength(2);
});

it('reads on where the server ignores the size and pages by its own', async () => {
  const rows = Array.from({ length: 45 }, (_, index) => ({
    ...ROW,
    transactionId: `CI220928.1029.C${10_000 + index}`,
  }));
  const { provider } = await serve((page) => ({ body: rows.slice(page * 20, page * 20 + 20) }));
  const { account, token, nextPage } = QUERY;
  expect(await provider.bulk!.listLines({ account, token, batchReference: 'b', nextPage })).toHaveLength(45);
  const from = SINCE;
  expect(await provider.listTransactions({ account, token, from, to: new Date(), nextPage })).toHaveLength(45);
});

it('returns no part of a pass whose later page fails', async () => {
  const { provider } = await serve((page) => (page === 0 ? { body: [ROW, ROW] } : { status: 503, body: {} }));
  await expect(provider.lookUp(QUERY)).rejects.toMatchObject({ kind: 'unavailable' });
});

it('gives up a search that never ends', async () => {
  const { provider } = await serve(() => ({ body: [ROW, ROW] }));
  await expect(provider.lookUp(QUERY)).rejects.toMatchObject({ kind: 'malformed' });
});

it.each([{}, { content: [ROW] }, [{ ...ROW, transactionId: undefined }], [{ ...ROW, status: undefined }], 'text'])(
  'does not take an answer that it cannot read for an empty one: %j',
  async (body) => {
    const { provider } = await serve(() => ({ body }));
    await expect(provider.lookUp(QUERY)).rejects.toMatchObject({ kind: 'malformed' });
  },
);

it('keeps rows of other references, for the judge to see', async () => {
  const { provider } = await serve(() => ({ body: [{ ...ROW, reference: undefined }] }));
  expect(await provider.lookUp(QUERY)).toMatchObject([{ reference: null, status: 'success' }]);
});

it.each([
  ['an amount with decimals', { amount: { value: 10.5, unit: 'XOF' } }, { amount: -1n, status: 'success' }],
  ['an amount below zero', { amount: { value: -10, unit: 'XOF' } }, { amount: -1n }],
  ['no amount', { amount: undefined }, { amount: -1n, currency: '' }],
  ['no customer', { customer: undefined }, { recipient: '' }],
  ['no partner', { partner: null }, { partner: '' }],
  ['an amount as a string', { amount: { value: '10', unit: 'XOF' } }, { amount: 10n }],
  ['a status that nobody knows', { status: 'ON_HOLD' }, { status: 'unmapped' }],
  ['a reason with a number', { statusReason: 'compte 771234567' }, { words: { code: 'SUCCESS', text: 'compte …' } }],
] as const)('shows a row with %s as what it is', async (_what, fields, shown) => {
  const { provider } = await serve(() => ({ body: [{ ...ROW, ...fields }] }));
  expect(await provider.lookUp(QUERY)).toMatchObject([shown]);
});
