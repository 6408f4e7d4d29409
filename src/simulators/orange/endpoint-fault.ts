import type { Request, Response } from 'express';
import type { FaultyEndpoint } from './options';
import type { Parts } from './parts';
import { Problem } from './problem';
import type { Endpoint } from './request-counts';
import { pickByRate, seededDraw } from './seeded-draw';

const FAULTS_OF: Readonly<Partial<Record<Endpoint, FaultyEndpoint>>> = {
  token: 'token',
  publicKey: 'publicKey',
  profile: 'profile',
  retailerBalance: 'balance',
  customerBalance: 'balance',
  changePin: 'changePin',
  search: 'search',
  status: 'status',
};

/**
 * Applies a fault drawn for the endpoint: throws its Problem, ends the connection (`ended`: do nothing more), or prepares
 * the answer to be lost or malformed once the endpoint has done its work.
 */
export function spoilAnswer(
  { store, options, counts }: Parts,
  endpoint: Endpoint,
  req: Request,
  res: Response,
): 'ended' | 'goes_on' {
  const name = FAULTS_OF[endpoint];
  const rates = name === undefined ? undefined : store.state().config.endpointFaults[name];
  const fault =
    rates === undefined
      ? undefined
      : pickByRate(rates, seededDraw(options.seed, endpoint, counts.body().byEndpoint[endpoint]));
  if (fault !== undefined) counts.faultStruck(endpoint, fault);
  switch (fault) {
    case undefined:
      return 'goes_on';
    case 'error_500':
      throw new Problem(500, '50');
    case 'error_503':
      throw new Problem(503, '5');
    case 'unauthorized':
      throw new Problem(401, '10');
    case 'throttled':
      throw new Problem(429, '9');
    case 'lost':
      req.socket.destroy();
      return 'ended';
    case 'lost_after':
      res.send = () => {
        req.socket.destroy();
        return res;
      };
      return 'goes_on';
    case 'malformed': {
      const send = res.send.bind(res);
      res.send = (body: unknown) => send(String(body).slice(0, -2));
      return 'goes_on';
    }
    default:
      return fault satisfies never;
  }
}
