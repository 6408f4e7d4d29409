import { Agent, request } from 'node:http';

/** One exchange over a kept connection: no stages, no time-outs, no proof of what was sent. */
export type PlainHttp = (call: {
  method: 'GET' | 'POST';
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
}) => Promise<string>;

/** Milliseconds after which an idle connection is closed: before a server would, which keeps it for 5 s or more. */
const IDLE_MS = 3_000;

/** @throws Error with any answer but a 2xx; from then on the run is void. */
export function createPlainHttp(): PlainHttp {
  const agent = new Agent({ keepAlive: true, timeout: IDLE_MS, scheduling: 'lifo' });
  return ({ method, url, headers, body }) =>
    new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
      const sent = request(url, { method, agent, headers: { ...headers, ...length } }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          if (status >= 200 && status < 300) resolve(text);
          else reject(new Error(`${method} ${url} was answered ${status}: ${text}`));
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
}
