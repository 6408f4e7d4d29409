-- What a master key must open before a process uses it: a wrong key under a known id is noticed at the start.
create table master_key_checks (
  master_key_id text primary key,
  sealed bytea not null,
  created_at timestamptz not null default clock_timestamp()
);
create trigger master_key_checks_append_only before update or delete on master_key_checks
  for each row execute function refuse_change();
