import { CommandError } from '../operator';

/** The operator routes of the API, called with the operator's key. */
export interface OperatorApi {
  /** The answer's body. Throws `CommandError` that says what the API answered, or that it does not. */
  get(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<unknown>;
}

const TIMEOUT_MS = 30_000;

export function createOperatorApi({ url, key }: { url: string; key: string }): OperatorApi {
  return {
    async get(path, query = {}) {
      const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
      const address = `${url.replace(/\/+$/, '')}/v1/${path}`;
      const response = await ask(
        given.length === 0 ? address : `${address}?${new URLSearchParams(given).toString()}`,
        key,
      );
      const body: unknown = await response.json().catch(() => null);
      if (response.ok) return body;
      const { title, detail, errors } = (body ?? {}) as {
        title?: string;
        detail?: string;
        errors?: readonly { parameter?: string; detail: string }[];
      };
      const named = (errors ?? []).map((error) => `\n  ${error.parameter ?? ''}: ${error.detail}`).join('');
      throw new CommandError(
        `the API answers ${response.status}: ${title ?? 'no problem body'}. ${detail ?? ''}${named}`,
      );
    },
  };
}

async function ask(address: string, key: string): Promise<Response> {
  try {
    // A redirect would carry the key to another host.
    return await fetch(address, {
      redirect: 'error',
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { code?: string } };
    throw new CommandError(`the API at ${new URL(address).origin} does not answer (${cause?.code ?? message})`);
  }
}
