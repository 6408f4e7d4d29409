import { BOUNDARY, FORM_TYPE } from './read-upload';

export const HEADER = 'amount,currency,method,msisdn,email,first_name,last_name,description';

const WORDS = 'salary of may '.repeat(12).trim();

export const ROW = `1000,XOF,orange_sn,771234567,a@example.com,Awa,Ndiaye,${WORDS}`;

const OBJECT = JSON.stringify({
  ...{ amount: 1000, currency: 'XOF', method: 'orange_sn', recipient: { msisdn: '771234567' }, description: WORDS },
  customer: { email: 'a@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
});

const PER_CHUNK = 100;

/** `head`, so many lines, and `tail`, made as they are taken. */
function* repeat(head: string, line: string, between: string, tail: string, lines: number): Iterable<Buffer> {
  yield Buffer.from(head + line);
  for (let made = 1; made < lines; made += PER_CHUNK) {
    yield Buffer.from(`${between}${line}`.repeat(Math.min(PER_CHUNK, lines - made)));
  }
  yield Buffer.from(tail);
}

/** Uploads of any number of good lines, none of which is ever whole in memory. */
export const HUGE_UPLOADS: Readonly<Record<string, { type: string; chunks: (lines: number) => Iterable<Buffer> }>> = {
  csv: { type: 'text/csv', chunks: (lines) => repeat(`${HEADER}\n`, ROW, '\n', '\n', lines) },
  ndjson: { type: 'application/x-ndjson', chunks: (lines) => repeat('', OBJECT, '\n', '\n', lines) },
  json: { type: 'application/json', chunks: (lines) => repeat('{"lines":[', OBJECT, ',', ']}', lines) },
  form: {
    type: FORM_TYPE,
    chunks: (lines) =>
      repeat(
        `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="may.csv"\r\n\r\n${HEADER}\n`,
        ...([ROW, '\n', `\r\n--${BOUNDARY}--\r\n`, lines] as const),
      ),
  },
};
