import type { Payout } from './payout';

/** What starting a payout's run needs: ids and closed words only, since they are shown in clear by the engine. */
export type PayoutStart = Pick<Payout, 'id' | 'merchantId' | 'environment' | 'state' | 'method' | 'provider'>;
