import { createAnswerCheck } from './app';

export type DocumentedFetch = (path: string, init?: RequestInit) => Promise<Response>;

/** `fetch` at the API of this address; every answer is held against the OpenAPI document that it serves itself. */
export async function createDocumentedFetch(url: string): Promise<DocumentedFetch> {
  const documented = createAnswerCheck(await (await fetch(`${url}/openapi.json`)).json());
  return async (path, init = {}) => {
    const response = await fetch(`${url}${path}`, init);
    const text = await response.clone().text();
    const type = response.headers.get('content-type') ?? '';
    const body = text === '' ? null : type.includes('json') ? (JSON.parse(text) as unknown) : text;
    documented(init.method ?? 'GET', path, response.status, type, body);
    return response;
  };
}
