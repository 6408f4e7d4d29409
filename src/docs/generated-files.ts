import { bulkStatesPage } from './bulk-states-page';
import { envExample } from './env-example';
import { errorsPage } from './errors-page';
import { payoutStatesPage } from './payout-states-page';

/** Every file that is made from code, by its path from the root; a test holds each equal to what stands there. */
export const GENERATED_FILES: Readonly<Record<string, () => string>> = {
  '.env.example': envExample,
  'docs/bulk-states.md': bulkStatesPage,
  'docs/errors.md': errorsPage,
  'docs/payout-states.md': payoutStatesPage,
};
