import { ApiRefusal, NoAnswerError, problemView } from './api-errors';
import { acceptedView, bulksView, bulkView, checkView, itemsView } from './api-views';
import type { AcceptedView, BulkView, CheckView, ItemsView } from './api-views';

export interface Upload {
  /** Opens the content anew at each try. */
  body: () => NonNullable<RequestInit['body']>;
  mediaType: string;
  /** Options of the bulk, as they stand in the address. */
  options: Readonly<Record<string, string>>;
  idempotencyKey: string;
}

export type UploadAnswer =
  { kind: 'accepted'; bulk: AcceptedView; isReplay: boolean } | { kind: 'checked'; check: CheckView };

/** The routes of bulk cash-ins, called with a merchant's key. All throw `ApiRefusal` or `NoAnswerError`. */
export interface BulkApi {
  url: string;
  upload(upload: Upload): Promise<UploadAnswer>;
  read(bulkId: string): Promise<BulkView>;
  /** Lines in these states, up to 1,000 of them. */
  items(bulkId: string, states: readonly string[]): Promise<ItemsView['data']>;
  /** Bulks that wait for the approval of this key's person. */
  approvals(): Promise<readonly BulkView[]>;
  decide(bulkId: string, verdict: 'approve' | 'refuse', body: Readonly<Record<string, string>>): Promise<BulkView>;
  /** A file of the bulk, in pieces. */
  /** Of `people` as a spreadsheet opens it. */
  download(bulkId: string, file: 'result.csv' | 'errors.csv', reader: 'programs' | 'people'): AsyncIterable<Uint8Array>;
}

export interface BulkApiOptions {
  url: string;
  key: string;
  /** Breaks off what is under way. */
  signal?: AbortSignal;
}

type Request = Omit<RequestInit, 'headers'> & { headers?: Readonly<Record<string, string>> };

/** A short answer that has not come by then will not come. */
const READ_TIMEOUT_MS = 15_000;

export function createBulkApi({ url, key, signal }: BulkApiOptions): BulkApi {
  const base = `${url.replace(/\/+$/, '')}/v1/bulk-cash-ins`;
  const isBrokenOff = (): boolean => signal?.aborted === true;

  async function ask(address: string, init: Request = {}): Promise<Response> {
    const headers = { ...init.headers, authorization: `Bearer ${key}` };
    // A redirect would carry the key to somebody else.
    const given = { redirect: 'error', ...(signal ? { signal } : {}), ...init, headers } as const;
    const response = await heard(() => fetch(`${base}${address}`, given));
    if (!response.ok) throw await refusalOf(response);
    return response;
  }

  /** A short answer, which comes soon or not at all. */
  async function readJson(address: string): Promise<unknown> {
    const late = AbortSignal.timeout(READ_TIMEOUT_MS);
    const response = await ask(address, { signal: signal ? AbortSignal.any([signal, late]) : late });
    return await heard(() => response.json());
  }

  /** A loss of the connection by its own name, in one kind of error; Ctrl-C is none. */
  async function heard<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (isBrokenOff() || isAboutFile(error)) throw error;
      throw new NoAnswerError(whyLost(error), { cause: error });
    }
  }

  async function refusalOf(response: Response): Promise<ApiRefusal> {
    const text = await heard(() => response.text());
    const parsed = problemView.safeParse(jsonOrNull(text));
    const seconds = Number(response.headers.get('retry-after') ?? 0);
    const retryAfterMs = Number.isFinite(seconds) ? seconds * 1_000 : 0;
    const problem = parsed.success ? parsed.data : problemView.parse(foreignProblem(response.status));
    return new ApiRefusal(response.status, problem, retryAfterMs);
  }

  return {
    url,
    async upload({ body, mediaType, options, idempotencyKey }) {
      const response = await ask(`?${new URLSearchParams(options).toString()}`, {
        method: 'POST',
        headers: { 'content-type': mediaType, 'idempotency-key': idempotencyKey },
        body: body(),
        duplex: 'half',
      });
      const answer: unknown = await heard(() => response.json());
      if (response.status === 200) return { kind: 'checked', check: checkView.parse(answer) };
      const isReplay = response.headers.get('idempotent-replayed') === 'true';
      return { kind: 'accepted', bulk: acceptedView.parse(answer), isReplay };
    },
    read: async (bulkId) => bulkView.parse(await readJson(`/${encodeURIComponent(bulkId)}`)),
    async items(bulkId, states) {
      const items: ItemsView['data'] = [];
      for (let cursor: string | null = '0'; cursor !== null && items.length < 1_000;) {
        const query = new URLSearchParams({ status: states.join(','), limit: '100', cursor });
        const page = itemsView.parse(await readJson(`/${encodeURIComponent(bulkId)}/items?${query.toString()}`));
        items.push(...page.data);
        cursor = page.next_cursor;
      }
      return items;
    },
    approvals: async () => bulksView.parse(await readJson('?awaiting_my_approval=true&limit=100')).data,
    async decide(bulkId, verdict, body) {
      const response = await ask(`/${encodeURIComponent(bulkId)}/${verdict}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return bulkView.parse(await heard(() => response.json()));
    },
    async *download(bulkId, file, reader) {
      const { body } = await ask(`/${encodeURIComponent(bulkId)}/${file}?for=${reader}`);
      const pieces = (body ?? new ReadableStream<Uint8Array>())[Symbol.asyncIterator]();
      for (;;) {
        const piece = await heard(() => pieces.next());
        if (piece.done === true) return;
        yield piece.value as Uint8Array;
      }
    },
  };
}

/** An answer that is no problem of Cauri's: a proxy in front of it wrote it, whose limits are its own. */
function foreignProblem(status: number): Partial<ApiRefusal['problem']> {
  return status === 413
    ? {
        code: 'proxy_body_too_large',
        title: 'A proxy in front of Cauri refuses a body of this size',
        detail: 'Raise its limit to BULK_MAX_BYTES (nginx: client_max_body_size), or split the file.',
      }
    : {
        code: 'proxy_error',
        title: 'The answer is not from Cauri',
        detail: 'A proxy in front of it answered, or the address is of another service.',
      };
}

/** The cause that the system names, such as ECONNREFUSED. */
function whyLost(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  if (name === 'TimeoutError') return 'no answer in time';
  return cause?.code ?? cause?.message ?? message;
}

/** The file that is sent cannot be read any more: repeating does not help. */
function isAboutFile(error: unknown): boolean {
  const { cause = error } = error as { cause?: unknown };
  return typeof (cause as NodeJS.ErrnoException).path === 'string';
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
