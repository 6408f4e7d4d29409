import type { ProviderId } from '../domain/methods';
import { createOrangeProvider } from './orange';
import type { OrangeOptions } from './orange';
import type { Provider } from './provider';

export type Providers = Readonly<Record<ProviderId, Provider>>;

export interface ProvidersOptions {
  orange: OrangeOptions;
}

/** Creates every provider, by id. An id of the domain without a provider does not compile. */
export function createProviders(options: ProvidersOptions): Providers {
  return { orange: createOrangeProvider(options.orange) };
}
