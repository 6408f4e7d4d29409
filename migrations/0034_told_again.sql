-- Whether a callback says that another amount or another recipient was paid than the submission's that it names; null where it names
-- none by our reference. So far a success of a payout that had succeeded was known, whatever it said.
alter table callbacks add column differs boolean;

-- What the look-ups before a retry gave, written by our own activity. So far the API took it from the result of a workflow, which
-- anybody who may start one could give.
create table retry_checks (
  id bigint generated always as identity primary key,
  payout_id text not null references payouts,
  payout_version integer not null,
  verdict text not null check (verdict in ('clear', 'paid', 'unsure')),
  checked_at timestamptz not null default clock_timestamp()
);
create index retry_checks_payout on retry_checks (payout_id, id desc);
create trigger retry_checks_append_only before update or delete on retry_checks
  for each row execute function refuse_change();
