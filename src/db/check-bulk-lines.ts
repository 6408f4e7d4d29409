import type { Tenant } from '../domain/environment';
import type { BulkLineError } from './receive-bulk';
import type { Db } from './pool';

/** Lines that one look names at most: the next one goes on after the last of them. */
const AT_ONCE = 10_000;

interface Found {
  line: number;
  other: string;
}

/** References that come twice in a bulk that is being received: each later line names the first. Lines after `after`, in order. */
export async function findSameReferences(db: Db, bulkId: string, after: number): Promise<readonly BulkLineError[]> {
  const { rows } = await db.query<Found>(
    `select line, first::text as other from (
       select line, reference, min(line) over (partition by normalize(reference, NFC)) as first from bulk_staging
       where bulk_id = $1 and reference is not null
     ) seen where line > first and line > $2 order by line limit $3`,
    [bulkId, after, AT_ONCE],
  );
  return rows.map(({ line, other }) => ({
    line,
    field: 'reference',
    code: 'reference_twice',
    message: `line ${other} has the same reference: give each line its own`,
  }));
}

/**
 * Lines that pay the same amount to the same recipient as an earlier line of the bulk, but for those that are allowed. Lines
 * after `after`, in order.
 */
export async function findSamePayments(
  db: Db,
  { bulkId, allowed, after }: { bulkId: string; allowed: readonly number[]; after: number },
): Promise<readonly BulkLineError[]> {
  const { rows } = await db.query<Found>(
    `select line, first::text as other from (
       select line, min(line) over (partition by method, recipient_msisdn, amount, currency) as first from bulk_staging
       where bulk_id = $1
     ) seen where line > first and line > $3 and line <> all ($2::integer[]) order by line limit $4`,
    [bulkId, allowed, after, AT_ONCE],
  );
  return rows.map(({ line, other }) => ({
    line,
    field: 'recipient',
    code: 'same_payment_in_bulk',
    message: `line ${other} pays the same amount to the same recipient: take one out, or name this line in allow_duplicates`,
  }));
}

/**
 * Lines that pay the same amount to the same recipient as a line of one of the merchant's bulks of the last `days`, whose
 * payment was not proven undone, but for those that are allowed. Lines after `after`, in order; none where `days` is 0.
 */
export async function findEarlierPayments(
  trx: Db,
  { merchantId, environment }: Tenant,
  { bulkId, allowed, days, after }: { bulkId: string; allowed: readonly number[]; days: number; after: number },
): Promise<readonly BulkLineError[]> {
  // The lines have just come, and those before them maybe too: what PostgreSQL knows of how many there are is old, and each
  // compared with each would take minutes. Any other way of joining takes a second at most.
  await trx.query('set local enable_nestloop = off');
  const { rows } = await trx.query<Found>(
    `select staged.line, min(payout.bulk_id || ', line ' || payout.bulk_line) as other
     from bulk_staging staged join payouts payout
       on payout.merchant_id = $2 and payout.environment = $3 and payout.recipient_msisdn = staged.recipient_msisdn
      and payout.amount = staged.amount and payout.method = staged.method and payout.bulk_id is not null
      and payout.state not in ('failed', 'cancelled', 'returned')
      and payout.accepted_at > clock_timestamp() - $4 * interval '1 day'
     where staged.bulk_id = $1 and staged.line > $6 and staged.line <> all ($5::integer[])
     group by staged.line order by staged.line limit $7`,
    [bulkId, merchantId, environment, days, allowed, after, AT_ONCE],
  );
  await trx.query('set local enable_nestloop = on');
  return rows.map(({ line, other }) => ({
    line,
    field: 'recipient',
    code: 'same_payment_before',
    message: `${other} pays the same amount to the same recipient: take it out, or name this line in allow_duplicates`,
  }));
}

/** Where lines of a bulk that is being received stand for people, by line. */
export async function findLinePlaces(
  db: Db,
  bulkId: string,
  lines: readonly number[],
): Promise<ReadonlyMap<number, { row: number | null; reference: string | null; msisdn: string | null }>> {
  const { rows } = await db.query<{
    line: number;
    row: number | null;
    reference: string | null;
    msisdn: string | null;
  }>(
    `select line, sheet_row as row, reference, recipient_msisdn as msisdn from bulk_staging
     where bulk_id = $1 and line = any ($2)`,
    [bulkId, lines],
  );
  return new Map(rows.map(({ line, ...place }) => [line, place]));
}

/** The merchant's newest accepted bulk with the very same content. */
export async function findSameContent(
  db: Db,
  { merchantId, environment }: Tenant,
  contentHash: Buffer,
): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    `select id from bulks where merchant_id = $1 and environment = $2 and content_hash = $3
       and state not in ('receiving', 'invalid') order by received_at desc limit 1`,
    [merchantId, environment, contentHash],
  );
  return rows[0]?.id ?? null;
}

/** What is staged: how many lines, their sum in minor units, and their currencies and methods. */
export async function readStaged(
  db: Db,
  bulkId: string,
): Promise<{ lines: number; total: bigint; currencies: readonly string[]; methods: readonly string[] }> {
  const { rows } = await db.query<{ lines: number; total: bigint; currencies: string[]; methods: string[] }>(
    `select count(*)::integer as lines, coalesce(sum(amount), 0)::bigint as total,
       coalesce(array_agg(distinct currency), '{}') as currencies, coalesce(array_agg(distinct method), '{}') as methods
     from bulk_staging where bulk_id = $1`,
    [bulkId],
  );
  if (!rows[0]) throw new Error('an aggregate gave no row');
  return rows[0];
}
