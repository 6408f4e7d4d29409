import { testOutages } from './kill-outage';
import { startKillTemporal } from './kill-servers';

testOutages(startKillTemporal, [
  { outage: 'Temporal is killed and the worker goes on without it', how: 'killed', goesOn: 'while_away' },
  { outage: 'Temporal is stopped and back', how: 'stopped', goesOn: 'when_back' },
]);
