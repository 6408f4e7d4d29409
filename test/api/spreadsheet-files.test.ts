import { bulkWorld } from './bulk-world';
import type { BulkAnswer, BulkWorld } from './bulk-world';

const HEADER = [
  'amount',
  'currency',
  'method',
  'msisdn',
  'reference',
  'email',
  'first_name',
  'last_name',
  'description',
];

/** A row as people fill the template in; `changes` by column. */
function row(changes: Readonly<Record<string, string>>): string[] {
  const good: Record<string, string> = {
    ...{ amount: '5000', currency: 'XOF', method: 'orange_sn', msisdn: '771230000', reference: '' },
    ...{ email: 'a@example.com', first_name: 'Awa', last_name: 'Ndiaye', description: 'Salaire' },
  };
  return HEADER.map((column) => changes[column] ?? good[column] ?? '');
}

/** As Excel with French settings writes it. */
function excelCsv(rows: readonly (readonly string[])[]): string {
  return [HEADER, ...rows].map((cells) => `${cells.join(';')}\r\n`).join('');
}

interface Sent {
  /** Rows after the header. */
  rows: number;
  total: number;
}

describe('files as spreadsheets write them', () => {
  let world: BulkWorld;
  beforeAll(async () => {
    world = await bulkWorld();
  });
  afterAll(() => world.close());

  async function send(
    body: string | Buffer,
    { rows, total }: Sent,
    query: Record<string, string>,
  ): Promise<BulkAnswer> {
    const declared = { declared_count: String(rows), declared_total: String(total) };
    return await world.send({ type: 'text/csv', body, query: { ...declared, ...query } });
  }

  /** Checks a file without taking it; the errors of its lines, each as line, field and advice. */
  async function errorsOf(rows: readonly (readonly string[])[], total: number): Promise<string[]> {
    const { body } = await send(excelCsv(rows), { rows: rows.length, total }, { dry_run: 'true', on_invalid: 'skip' });
    return body.errors.flatMap(({ line, field, detail }) => (line === null ? [] : [`${line} ${field}: ${detail}`]));
  }

  describe('a number that is not a number', () => {
    const DECIMAL = /looks like a spreadsheet's decimal/;
    const EXPONENT = /holds an exponent/;
    const SEPARATORS = /has separators that cannot be read/;
    const wrong: readonly (readonly [msisdn: string, RegExp])[] = [
      ['77123456.0', DECIMAL],
      ['7712399.00', DECIMAL],
      ['771230003.0', DECIMAL],
      ['78 123 45.6 7', DECIMAL],
      ['+22177123456.0', DECIMAL],
      ['22177123456.0', DECIMAL],
      ['77-12345.67', DECIMAL],
      ['771940-00.0', DECIMAL],
      ['7712345(6)7', SEPARATORS],
      ['77123456-7-', SEPARATORS],
      ['77194000 - 0', SEPARATORS],
      ['77194000..0', SEPARATORS],
      ['77/123/10/11', SEPARATORS],
      ['2.21771E+11', EXPONENT],
      ['2,21771E+11', EXPONENT],
      ['7.71E+08', EXPONENT],
      ['77\ufeff1231005', /holds an invisible character U\+FEFF in the number/],
      ['+221\ufe0e771231009', /holds an invisible character U\+FE0E in the number/],
      ['77131000', /give a mobile number of SN/],
      ['733131000', /give a mobile number of SN/],
      ['339310000', /give a mobile number of SN/],
      ['', /is required: give the mobile number/],
    ];

    test('is refused in a CSV by what it is and where', async () => {
      const errors = await errorsOf(
        wrong.map(([msisdn]) => row({ msisdn })),
        5000 * wrong.length,
      );
      const expected = wrong.map(([, advice], index): unknown =>
        expect.stringMatching(new RegExp(`^${index + 1} msisdn: .*${advice.source}`)),
      );
      expect(errors).toEqual(expected);
    });

    test('is refused in NDJSON and in the JSON of a single payout alike', async () => {
      const object = (msisdn: string): object => ({
        ...{ amount: 5000, currency: 'XOF', method: 'orange_sn', recipient: { msisdn }, description: 'Salaire' },
        customer: { email: 'a@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
      });
      const bad = wrong.filter(([msisdn]) => msisdn !== '');
      const { body } = await world.send({
        type: 'application/x-ndjson',
        body: bad.map(([msisdn]) => JSON.stringify(object(msisdn))).join('\n'),
        query: { declared_count: String(bad.length), declared_total: String(5000 * bad.length) },
      });
      expect(body.errors.map(({ line, field }) => [line, field])).toEqual(
        bad.map((_each, index) => [index + 1, 'recipient.msisdn']),
      );
      for (const [msisdn, advice] of bad) {
        const answer = await world.post('/v1/payouts', object(msisdn));
        expect([answer.status, answer.body.errors[0]?.detail]).toEqual([422, expect.stringMatching(advice)]);
      }
    });

    test('pays nobody where bad lines are left out', async () => {
      const rows = [row({ msisdn: '771930001.0' }), row({ msisdn: '77193000.0' }), row({ msisdn: '771930002' })];
      const { status, body } = await send(excelCsv(rows), { rows: 3, total: 15_000 }, { on_invalid: 'skip' });
      expect([status, body]).toMatchObject([202, { lines: 1, skipped_lines: 2, total: '5000' }]);
      const { body: items } = await world.get(`/v1/bulk-cash-ins/${body.id}/items`);
      expect(items.data.map(({ line, payout }) => [line, payout])).toMatchObject([
        [3, { recipient: { msisdn: '+221771930002' } }],
      ]);
    });
  });

  test('a number is read through what a chat, a PDF or a spreadsheet puts around it and between its groups', async () => {
    const spelt = [
      ...['\u202a771231001\u202c', '\u2068771231002\u2069', '771231003\u200b', '\u200e+221771231004'],
      ...['77\u2011123\u201110\u201105', '77\u00a0123\u00a010\u00a006', '77\u202f123\u202f10\u202f07'],
      ...['(+221) 77 123 10 08', "'+221771231009", '701231010', '711231011', '751231012', '761231013', '781231014'],
    ];
    const rows = spelt.map((msisdn) => row({ msisdn }));
    const { status, body } = await send(excelCsv(rows), { rows: rows.length, total: 5000 * rows.length }, {});
    expect(status).toBe(202);
    const { body: items } = await world.get(`/v1/bulk-cash-ins/${body.id}/items`);
    const read = items.data.map(({ payout }) => (payout as { recipient?: { msisdn: string } }).recipient?.msisdn);
    expect(read.map((msisdn) => msisdn?.slice(-3))).toEqual(
      spelt.map((_each, index) => String(index + 1).padStart(3, '0')),
    );
    expect(read.every((msisdn) => /^\+2217[015678]\d{7}$/.test(msisdn ?? ''))).toBe(true);
  });

  test('an error carries the row as the spreadsheet counts it, the reference and the value, a number masked', async () => {
    const twice = { msisdn: '771290001', amount: '700', reference: 'good-1' };
    const body = excelCsv([
      row(twice),
      HEADER.map(() => ''),
      row({ msisdn: '77123456.0', reference: 'pay-1', email: 'not-an-address' }),
      row({ amount: '77 123 45 67', method: 'a@example.com', currency: 'cfa', reference: '+221771230005' }),
      row({ ...twice, reference: 'good-2' }),
      row({ msisdn: 'N of 771230000', reference: `R${'9'.repeat(12)}\u202a` }),
    ]);
    const { body: answer } = await send(body, { rows: 5, total: 0 }, {});
    type Told = (typeof answer.errors)[number];
    const told = ({ line, row: at, reference, field, value }: Told): string =>
      [line, at, reference, field, value].map(String).join(' | ');
    const expected = [
      '2 | 4 | pay-1 | email | null',
      '2 | 4 | pay-1 | msisdn | *******6.0',
      '3 | 5 | +**********05 | amount | ** *** ** 67',
      '3 | 5 | +**********05 | currency | cfa',
      '3 | 5 | +**********05 | method | null',
      '4 | 6 | good-2 | recipient | +**********01',
      '5 | 7 | R**********99 | msisdn | null',
      '5 | 7 | R**********99 | reference | R**********99',
    ];
    const ofLines = answer.errors.filter(({ line }) => line !== null);
    expect(ofLines.map(told).toSorted()).toEqual(expected);
    const { body: report } = await world.get(`/v1/bulk-cash-ins/${answer.bulk_id}/errors`);
    expect(report.data).toEqual(answer.errors);
    const { text: file } = await world.get(`/v1/bulk-cash-ins/${answer.bulk_id}/errors.csv`);
    expect(file).toMatch(/^line,column,code,row,reference,value,detail\r\n/);
    expect(file).toMatch(/^2,msisdn,not_valid,4,pay-1,\*{7}6\.0,/m);
    for (const place of [JSON.stringify(answer), file]) {
      expect(place).not.toMatch(/77123456\.0|771230005|77 123 45 67|771290001|9{5}|not-an-address|a@example/);
    }
  });

  test('an amount is never guessed, and the advice names the space, the separator or the exponent', async () => {
    const wrong: readonly (readonly [amount: string, RegExp])[] = [
      ['5\u202f000', /holds a space/],
      ['5\u00a0000', /holds a space/],
      ['5 000', /holds a space/],
      ['5000,00', /holds a separator/],
      ['5000.00', /holds a separator/],
      ['5.000', /holds a separator/],
      ['5,000', /holds a separator/],
      ['5000 F CFA', /holds a space/],
      ['5,00E+03', /holds an exponent/],
      ['5\u202f000 XOF', /holds a space/],
    ];
    const errors = await errorsOf(
      wrong.map(([amount], index) => row({ amount, msisdn: `77124000${index}` })),
      0,
    );
    const expected = wrong.map(([, advice], index): unknown =>
      expect.stringMatching(new RegExp(`^${index + 1} amount: .*${advice.source}`)),
    );
    expect(errors).toEqual(expected);
  });

  describe('a file is read as it was saved', () => {
    /** `count` good rows, each to a recipient of its own. */
    let recipients = 1_000_000;
    const goodRows = (count: number, changes: Readonly<Record<string, string>> = {}): string[][] =>
      Array.from({ length: count }, () => row({ msisdn: `78${(recipients += 1)}`, ...changes }));
    const NAMES = { first_name: 'Aïssatou', last_name: 'Bâ' };
    const utf8 = { format: 'csv', encoding: 'utf-8', separator: ';' };
    const text = (rows: readonly (readonly string[])[], separator = ';', end = '\r\n'): string =>
      [HEADER, ...rows].map((cells) => cells.join(separator) + end).join('');
    const empty = HEADER.map(() => '');
    const mac = (content: string): Buffer =>
      Buffer.from(content.replaceAll('ï', '\x95').replaceAll('â', '\x89'), 'latin1');

    const files: readonly (readonly [name: string, body: string | Buffer, rows: number, readAs: object])[] = [
      ['rows of separators at its end', text([...goodRows(2), empty, empty, empty]), 2, utf8],
      ['a row of separators between', text([...goodRows(1), empty, ...goodRows(1)]), 2, utf8],
      [
        'rows that lack their last, empty cell, as Excel leaves it out',
        text([...goodRows(15, { description: '' }), ...goodRows(5).map((cells) => cells.slice(0, -1))]),
        20,
        utf8,
      ],
      [
        'a column without a name',
        text(goodRows(2).map((cells) => [...cells, ''])).replace('description', 'description;'),
        2,
        utf8,
      ],
      ['a line sep=', `sep=;\r\n${text(goodRows(1))}`, 1, utf8],
      ['a line sep= for tabs', `sep=\t\r\n${text(goodRows(1), '\t')}`, 1, { ...utf8, separator: '\t' }],
      [
        'the Unicode text of Excel',
        Buffer.from(`\ufeff${text(goodRows(1, NAMES), '\t')}`, 'utf16le'),
        1,
        { ...utf8, encoding: 'utf-16le', separator: '\t' },
      ],
      ['tabs', text(goodRows(1, NAMES), '\t'), 1, { ...utf8, separator: '\t' }],
      ['commas', text(goodRows(1, NAMES), ',', '\n'), 1, { ...utf8, separator: ',' }],
      ['Windows-1252', Buffer.from(text(goodRows(1, NAMES)), 'latin1'), 1, { ...utf8, encoding: 'windows-1252' }],
      ['an old Mac', mac(text(goodRows(2, NAMES), ';', '\r')), 2, { ...utf8, encoding: 'macintosh' }],
      ['lines that end in CR, in ASCII', text(goodRows(2), ';', '\r'), 2, utf8],
      ['UTF-8 with its mark', `\ufeff${text(goodRows(1, NAMES))}`, 1, utf8],
      ['CRLF in its header, LF in its rows', text(goodRows(2), ';', '\n').replace('\n', '\r\n'), 2, utf8],
      ['LF in its header, CRLF in its rows', text(goodRows(2)).replace('\r\n', '\n'), 2, utf8],
      [
        'LF in its header, CRLF and quotes in its rows',
        text(goodRows(2).map((cells) => cells.map((cell) => `"${cell}"`))).replace('\r\n', '\n'),
        2,
        utf8,
      ],
      ['one LF among CRLF', text(goodRows(4)).replace(/(Salaire)\r\n(?=.*\r\n.*\r\n$)/, '$1\n'), 4, utf8],
      [
        'capitals in its header',
        text(goodRows(1)).replaceAll(/(?<=^|;)[a-z](?=.*description\r)/g, (letter) => letter.toUpperCase()),
        1,
        utf8,
      ],
      ['one capital in its header', `A${text(goodRows(1)).slice(1)}`, 1, utf8],
      [
        'French headings',
        [
          ['Montant', 'DEVISE', 'Méthode', 'Téléphone', 'Référence', 'Courriel', 'Prénom', 'Nom', 'Libellé'],
          ...goodRows(1, NAMES),
        ]
          .map((cells) => `${cells.join(';')}\r\n`)
          .join(''),
        1,
        utf8,
      ],
      [
        'quotes with a line break inside',
        text([...goodRows(1, { description: '"Salaire\nmai"' })]).replace('\nmai', ' mai'),
        1,
        utf8,
      ],
    ];

    test.each(files)('%s', async (_name, body, rows, readAs) => {
      const answer = await send(body, { rows, total: 5000 * rows }, {});
      expect([answer.status, answer.body]).toMatchObject([202, { lines: rows, read_as: readAs }]);
      const { body: items } = await world.get(`/v1/bulk-cash-ins/${answer.body.id}/items`);
      for (const { payout } of items.data) {
        const { body: one } = await world.get(`/v1/payouts/${payout.id}`);
        const { first_name, last_name } = (one as unknown as { customer: typeof NAMES }).customer;
        expect([`Awa Ndiaye`, `Aïssatou Bâ`]).toContain(`${first_name} ${last_name}`);
        expect(JSON.stringify(body).includes('Awa') || first_name === 'Aïssatou').toBe(true);
      }
    });

    test('a dry run and a refusal tell how it was read as well', async () => {
      const body = Buffer.from(text(goodRows(1, NAMES)), 'latin1');
      const dry = await send(body, { rows: 1, total: 5000 }, { dry_run: 'true' });
      const refused = await send(body, { rows: 2, total: 5000 }, {});
      for (const answer of [dry, refused]) expect(answer.body).toMatchObject({ read_as: { encoding: 'windows-1252' } });
    });

    test('what is not empty beyond the named columns is an error by its line', async () => {
      const rows = [...goodRows(1), ...goodRows(1).map((cells) => [...cells, 'x'])];
      expect(await errorsOf(rows, 10_000)).toEqual([expect.stringMatching(/^2 null: has a cell beyond the 9 columns/)]);
    });

    test('a column that is named twice, in two languages too, is an error', async () => {
      for (const second of ['amount', 'Montant']) {
        const body = text(goodRows(1).map((cells) => [...cells, '9000'])).replace(
          'description',
          `description;${second}`,
        );
        const answer = await send(body, { rows: 1, total: 5000 }, {});
        expect(answer.body.errors[0]).toMatchObject({ line: null, field: 'amount', code: 'column_twice' });
      }
    });

    test('a line break within quotes and a quote inside of a cell keep no later line from being named right', async () => {
      const rows = [
        ...goodRows(1, { description: '"Salaire\nmai"' }),
        ...goodRows(1, { msisdn: '77134' }),
        ...goodRows(1, { first_name: 'Awa "Mimi"' }),
        ...goodRows(1, { msisdn: '77135' }),
      ];
      const errors = await errorsOf(rows, 20_000);
      expect(errors.map((error) => error.split(':', 1)[0])).toEqual([
        '1 description',
        '2 msisdn',
        '3 null',
        '4 msisdn',
      ]);
      expect(errors[2]).toContain('a quote stands inside of a cell');
    });

    test('numbers and texts that we marked as no formulas are read back as they were', async () => {
      const references = ['=1+1', '-12', '+221 contrat', "'=1", "N'Deye"];
      const rows = references.map((reference) => goodRows(1, { reference })[0]!);
      const first = await send(text(rows), { rows: 5, total: 25_000 }, {});
      expect(first.status).toBe(202);
      const { text: result } = await world.get(`/v1/bulk-cash-ins/${first.body.id}/result.csv`);
      const written = result
        .split('\r\n')
        .slice(1, -1)
        .map((line) => line.split(','));
      expect(written.map((cells) => cells[7])).toEqual(["'=1+1", "'-12", "'+221 contrat", "'=1", "N'Deye"]);
      expect(written.every((cells) => cells[6]?.startsWith("'+221"))).toBe(true);
      // The same recipients and references, as they stand in our file.
      const again = written.map((cells) => row({ amount: '6000', msisdn: cells[6] ?? '', reference: cells[7] ?? '' }));
      const second = await send(text(again), { rows: 5, total: 30_000 }, {});
      const { body: items } = await world.get(`/v1/bulk-cash-ins/${second.body.id}/items`);
      const read = items.data.map(({ payout }) => (payout as unknown as { reference: string }).reference);
      expect(read).toEqual(['=1+1', '-12', '+221 contrat', '=1', "N'Deye"]);
    });
  });
});
