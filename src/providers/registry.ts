import { ENVIRONMENTS } from '../domain/environment';
import type { Environment } from '../domain/environment';
import type { ProviderId } from '../domain/methods';
import { createOrangeProvider } from './orange';
import type { OrangeOptions } from './orange';
import type { Provider } from './provider';

/** A connector for each environment, since a provider has a host for each: a call cannot take another environment's. */
export type Providers = Readonly<Record<ProviderId, Readonly<Record<Environment, Provider>>>>;

export interface ProvidersOptions {
  orange: Omit<OrangeOptions, 'baseUrl'> & { baseUrls: Readonly<Record<Environment, string>> };
}

/** Creates every provider, by id and environment. An id of the domain without a provider does not compile. */
export function createProviders({ orange: { baseUrls, ...orange } }: ProvidersOptions): Providers {
  return {
    orange: perEnvironment((environment) => createOrangeProvider({ ...orange, baseUrl: baseUrls[environment] })),
  };
}

function perEnvironment(create: (environment: Environment) => Provider): Readonly<Record<Environment, Provider>> {
  return Object.fromEntries(ENVIRONMENTS.map((environment) => [environment, create(environment)])) as Record<
    Environment,
    Provider
  >;
}
