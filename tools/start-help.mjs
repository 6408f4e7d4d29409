/** What `npm start -- --help` prints: before any installation, so that it is text alone. */
export const START_HELP = `npm start [-- FLAGS]
Starts PostgreSQL, Temporal, the Orange simulator, a webhook receiver, the API and a worker on this machine, and shows one
payout and one bulk. Stays until Ctrl-C.

  --once         end after the demonstration, with its exit code
  --no-demo      no demonstration
  --reset        forget the state of earlier starts (.cauri/, not the downloaded programs)
  --replace      end the start that runs on the same state, and take its place
  --port-base N  N is the first of the ports; 0: any free ones
  --help, -h     this text

Variables: DATABASE_URL and TEMPORAL_ADDRESS name servers to use instead of own ones; CAURI_STATE_DIR is the folder of the state.
Set in the environment or in the file .env; see README.md.`;
