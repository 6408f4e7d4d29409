import { join } from 'node:path';
import { readDevKeys } from './dev-keys';
import { processStartTime } from './process-identity';
import { createRunFile } from './run-file';

/** Where a running `npm start` serves its API, and the keys of its sandbox merchant and of one operator. */
export interface DevMachine {
  apiUrl: string;
  merchantKey: string;
  operatorKey: string;
}

/** Undefined where no `npm start` runs on this state. */
export function findDevMachine(stateDirectory: string): DevMachine | undefined {
  const api = createRunFile(join(stateDirectory, 'run.json'))
    .read()
    .find(({ name, pid, startedAt }) => name === 'api' && processStartTime(pid) === startedAt);
  if (api?.port == null) return undefined;
  const { merchantKey, operatorKeys } = readDevKeys(join(stateDirectory, 'dev-keys.json'));
  return { apiUrl: `http://127.0.0.1:${api.port}`, merchantKey, operatorKey: operatorKeys[0] };
}
