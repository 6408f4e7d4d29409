import { testOutages } from './kill-outage';
import { startKillPostgres } from './kill-servers';

testOutages(startKillPostgres, [
  { outage: 'PostgreSQL is stopped and the worker goes on without it', how: 'stopped', goesOn: 'while_away' },
  { outage: 'PostgreSQL is killed and back', how: 'killed', goesOn: 'when_back' },
]);
