/** One HTTP request, complete before a connection is opened for it. */
export interface HttpRequest {
  method: 'GET' | 'POST' | 'PATCH';
  url: URL;
  headers: Readonly<Record<string, string>>;
  body: string | null;
}

/** An answer whose last byte was read. Redirects are answers like any other: nothing here follows them. */
export interface HttpAnswer {
  status: number;
  body: string;
}

/** Milliseconds that each stage of one exchange may take in all: a trickle of bytes does not prolong a stage. */
export interface StageTimeouts {
  /** Name resolution, TCP and TLS. */
  connectMs: number;
  /** From the first byte written to the end of the answer's head. */
  headersMs: number;
  /** From there to the last byte of the answer. */
  bodyMs: number;
}

export const DEFAULT_STAGE_TIMEOUTS: StageTimeouts = { connectMs: 5_000, headersMs: 30_000, bodyMs: 10_000 };

/** Bytes; a longer answer is not read to its end. */
export const MAX_ANSWER_BYTES = 1024 * 1024;

/** The headers that go on the wire: those of the request, with its host and the length of its body. */
export function wireHeaders(request: HttpRequest): Record<string, string> {
  const length = request.body === null ? {} : { 'Content-Length': String(Buffer.byteLength(request.body)) };
  return { Host: request.url.host, Accept: 'application/json', ...request.headers, ...length };
}
