import { z } from 'zod';
import type { ProviderRow } from '../../domain/look-up';
import { cleanCode, cleanText } from '../clean-words';
import { ProviderError } from '../provider';
import type { AccountOperations, LookUpQuery, NextPage } from '../provider';
import type { OrangeClient, Query } from './client';
import { toMinorUnits } from './minor-units';
import type { ResolvedOrangeOptions } from './options';
import { transactionSchema } from './schemas';
import { toStatus } from './transaction-status';

/** More pages than one reference can fill: the server ignores a parameter, so no pass would be complete. */
const MAX_PAGES = 50;

/** Rows of a page by the specification where no size is asked for: a server that ignores ours pages like this. */
const DEFAULT_PAGE_SIZE = 20;

/** 200,000 rows: more than an account pays between a backup and its restore at the provider's own rate limit. */
const MAX_PAGES_OF_A_TIME = 10_000;

interface Reading {
  nextPage: NextPage;
  renewToken?: () => Promise<string>;
  onPage?: (rows: readonly ProviderRow[]) => void;
}

type SearchFilter = Parameters<AccountOperations['searchTransactions']>[1] & { bulkId?: string };

/**
 * One page of the provider's transactions. Never sent with `type`: with it the live search was seen to hide rows that
 * have that very type.
 */
export async function searchTransactions(
  client: OrangeClient,
  options: ResolvedOrangeOptions,
  token: string,
  filter: SearchFilter,
): Promise<ProviderRow[]> {
  const rows = await client.read(
    'search',
    { method: 'GET', path: '/api/eWallet/v1/transactions', token, query: toQuery(filter, options.searchTimes) },
    z.array(transactionSchema),
  );
  return rows.map(toProviderRow);
}

/** One complete pass over all pages that show the reference; a page that fails fails the pass. */
export async function lookUp(
  client: OrangeClient,
  options: ResolvedOrangeOptions,
  query: LookUpQuery,
): Promise<ProviderRow[]> {
  const from = new Date(query.since.getTime() - options.lookUpBackMarginMs);
  return await allPages(
    client,
    options,
    query.token,
    { reference: query.reference, from },
    {
      size: options.lookUpPageSize,
      most: MAX_PAGES,
      nextPage: query.nextPage,
    },
  );
}

/** One complete pass over all pages of a time; a page that fails fails the pass. */
export async function listTransactions(
  client: OrangeClient,
  options: ResolvedOrangeOptions,
  { token, from, to, ...reading }: { token: string; from: Date; to: Date } & Reading,
): Promise<ProviderRow[]> {
  const pages = { size: options.bulkPageSize, most: MAX_PAGES_OF_A_TIME, ...reading };
  return await allPages(client, options, token, { from, to }, pages);
}

/** One complete pass over all rows of a batch; a page that fails fails the pass. */
export async function listBatch(
  client: OrangeClient,
  options: ResolvedOrangeOptions,
  { token, bulkId, nextPage }: { token: string; bulkId: string; nextPage: NextPage },
): Promise<ProviderRow[]> {
  const pages = { size: options.bulkPageSize, most: MAX_PAGES_OF_A_TIME, nextPage };
  return await allPages(client, options, token, { bulkId }, pages);
}

async function allPages(
  client: OrangeClient,
  options: ResolvedOrangeOptions,
  token: string,
  filter: SearchFilter,
  { size, most, nextPage, renewToken, onPage }: { size: number; most: number } & Reading,
): Promise<ProviderRow[]> {
  const rows: ProviderRow[] = [];
  let present = token;
  for (let page = 0; page < most; page += 1) {
    if (page > 0) {
      await nextPage();
      if (renewToken) present = await renewToken();
    }
    const shown = await searchTransactions(client, options, present, { ...filter, page, size });
    rows.push(...shown);
    onPage?.(shown);
    if (shown.length < size && shown.length !== DEFAULT_PAGE_SIZE) return rows;
  }
  throw new ProviderError('malformed', `orange search: no end after ${most} pages`);
}

function toQuery(filter: SearchFilter, times: ResolvedOrangeOptions['searchTimes']): Query {
  const time = (date: Date): string => (times === 'utc' ? date.toISOString() : date.toISOString().slice(0, 19));
  return {
    ...(filter.bulkId === undefined ? {} : { bulkId: filter.bulkId }),
    ...(filter.reference === undefined ? {} : { reference: filter.reference }),
    ...(filter.from === undefined ? {} : { fromDateTime: time(filter.from) }),
    ...(filter.to === undefined ? {} : { toDateTime: time(filter.to) }),
    ...(filter.page === undefined ? {} : { page: filter.page }),
    ...(filter.size === undefined ? {} : { size: filter.size }),
  };
}

/** What a row lacks becomes a value that equals nothing that was sent, so that it counts as a mismatch. */
function toProviderRow(row: z.output<typeof transactionSchema>): ProviderRow {
  return {
    providerReference: row.transactionId,
    reference: row.reference ?? null,
    status: toStatus(row.status),
    amount: row.amount ? toMinorUnits(row.amount.value) : -1n,
    currency: row.amount?.unit ?? '',
    recipient: row.customer?.id ?? '',
    partner: row.partner?.id ?? '',
    words: { code: cleanCode(row.status), text: cleanText(row.statusReason) },
  };
}
