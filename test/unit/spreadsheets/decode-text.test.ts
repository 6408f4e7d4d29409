import { decodeText } from '../../../src/spreadsheets/decode-text';
import type { Encoding } from '../../../src/spreadsheets/decode-text';
import { inChunks } from '../bulk-intake/read-upload';

async function read(bytes: Buffer, cuts: readonly number[]): Promise<{ text: string; encoding: Encoding | undefined }> {
  async function* source(): AsyncIterable<Buffer> {
    yield* await Promise.resolve(inChunks(bytes, cuts));
  }
  let encoding: Encoding | undefined;
  let text = '';
  for await (const part of decodeText(source(), (found) => (encoding = found))) text += part;
  return { text, encoding };
}

const TEXT = 'a;b\r\nAïssatou;Bâ\r\n';
const mac = Buffer.concat([Buffer.from('a;b\rA'), Buffer.of(0x95), Buffer.from('ssatou;B'), Buffer.of(0x89, 0x0d)]);

test.each<[string, Buffer, Encoding, string]>([
  ['UTF-8', Buffer.from(TEXT), 'utf-8', TEXT],
  ['UTF-8 with its mark', Buffer.from(`\ufeff${TEXT}`), 'utf-8', TEXT],
  ['ASCII', Buffer.from('a;b'), 'utf-8', 'a;b'],
  ['nothing', Buffer.alloc(0), 'utf-8', ''],
  ['one letter', Buffer.from('é'), 'utf-8', 'é'],
  ['a mark inside, which is no mark', Buffer.from('77\ufeff1'), 'utf-8', '77\ufeff1'],
  ['UTF-16 with its mark', Buffer.from(`\ufeff${TEXT}`, 'utf16le'), 'utf-16le', TEXT],
  ['UTF-16 without a mark', Buffer.from(TEXT, 'utf16le'), 'utf-16le', TEXT],
  ['UTF-16 of the other order', Buffer.from(`\ufeff${TEXT}`, 'utf16le').swap16(), 'utf-16be', TEXT],
  ['Windows-1252', Buffer.from(TEXT, 'latin1'), 'windows-1252', TEXT],
  ['signs of Windows-1252', Buffer.from([0x80, 0x92, 0x9c, 0x2e]), 'windows-1252', '€’œ.'],
  ['an old Mac', mac, 'macintosh', 'a;b\rAïssatou;Bâ\r'],
])('%s, wherever its bytes are cut', async (_name, bytes, encoding, text) => {
  for (const cuts of [[1], [2, 3], [bytes.length || 1]]) {
    expect(await read(bytes, cuts)).toEqual({ text, encoding });
  }
});

test.each([
  ['half of a letter at the end', Buffer.from([0x61, 0x61, 0x61, 0xc3])],
  ['UTF-8 and then Windows-1252', Buffer.concat([Buffer.from('éé'), Buffer.from('\xe9\n', 'latin1')])],
])('%s is not guessed', async (_name, bytes) => {
  await expect(read(bytes, [1])).rejects.toThrow('utf-8');
});
