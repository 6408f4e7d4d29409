import { listBulkErrors } from '../db/bulk-errors';
import { findLastLine, listBulkResults } from '../db/bulk-results';
import type { BulkResult } from '../db/bulk-results';
import type { Db } from '../db/pool';
import type { Bulk } from '../domain/bulk';
import { serializeAmount } from '../domain/money';
import type { Sealing } from '../domain/sealing';
import { serializeBulkError } from './bulk-report';
import { csvRow } from './csv-row';
import type { Customer } from './schemas/payout-request';

/** Programs read commas; people open a file in a spreadsheet, which takes semicolons and the mark of UTF-8 for what they are. */
export const FILE_READERS = ['programs', 'people'] as const;

export type FileReader = (typeof FILE_READERS)[number];

const PAGE = 1_000;

const RESULT_COLUMNS = [
  ...['line', 'id', 'state', 'reason', 'amount', 'currency', 'recipient', 'reference'],
  ...['provider_reference', 'provider_code', 'provider_text'],
];

const PEOPLES_COLUMNS = ['first_name', 'last_name', 'accepted_at', 'finished_at'];

type Cells = readonly (string | number | null)[];

/** How every line of a bulk stands, page by page. */
export async function* resultFile(
  { db, sealing }: { db: Db; sealing: Sealing },
  bulk: Bulk,
  reader: FileReader,
): AsyncIterable<string> {
  const isForPeople = reader === 'people';
  yield start(reader, [...RESULT_COLUMNS, ...(isForPeople ? PEOPLES_COLUMNS : [])]);
  const last = await findLastLine(db, bulk.id);
  for (let after = 0; after < last; after += PAGE) {
    const page = await listBulkResults(db, bulk, { after, last: after + PAGE });
    const rows = await Promise.all(
      page.map(async (result) => [
        ...resultCells(result),
        ...(isForPeople ? await peoplesCells(result, bulk.merchantId, sealing) : []),
      ]),
    );
    yield rows.map((cells) => rowFor(reader, cells)).join('');
  }
}

/** Everything that is wrong with a bulk, page by page. */
export async function* errorsFile(db: Db, bulkId: string, reader: FileReader): AsyncIterable<string> {
  yield start(reader, ['line', 'column', 'code', 'row', 'reference', 'value', 'detail']);
  for (let after = 0; ;) {
    const page = await listBulkErrors(db, bulkId, { after, limit: PAGE });
    if (page.length > 0) {
      yield page
        .map(serializeBulkError)
        .map(({ line, row, reference, field, value, code, detail }) =>
          rowFor(reader, [line, field, code, row, reference, value, detail]),
        )
        .join('');
    }
    if (page.length < PAGE) return;
    after = page.at(-1)?.position ?? after;
  }
}

function start(reader: FileReader, columns: Cells): string {
  return (reader === 'people' ? '\ufeff' : '') + rowFor(reader, columns);
}

function rowFor(reader: FileReader, cells: Cells): string {
  return csvRow(cells, reader === 'people' ? ';' : ',');
}

function resultCells(result: BulkResult): Cells {
  const amount = result.amount === null ? null : serializeAmount(result.amount);
  return [
    ...[result.line, result.payoutId, result.state, result.reason, amount, result.currency],
    ...[result.recipient, result.reference, result.providerReference, result.providerCode, result.text],
  ];
}

async function peoplesCells(result: BulkResult, merchantId: string, sealing: Sealing): Promise<Cells> {
  const { customerEnc, acceptedAt, finishedAt } = result;
  const customer =
    customerEnc &&
    (JSON.parse(await sealing.open(merchantId, 'customer', customerEnc)) as Pick<Customer, 'first_name' | 'last_name'>);
  return [
    ...[customer?.first_name ?? null, customer?.last_name ?? null],
    ...[acceptedAt?.toISOString() ?? null, finishedAt?.toISOString() ?? null],
  ];
}
