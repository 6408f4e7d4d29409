-- Late checks: a submission that the provider refused or took back may still be paid, and one that is paid may be paid again.
-- A row is a submission that the grouped searches of its account still ask about. Triggers write the rows, so that no way to an
-- outcome (answer, poll, look-up, statement, decision, restore) forgets one.
create table late_checks (
  submission_id text primary key,
  credential_id text not null,
  -- When it was refused, returned or paid: its time counts from here.
  since timestamptz not null default clock_timestamp(),
  -- A success is asked about once; the others until one complete round after the end of their time.
  once boolean not null,
  -- Somebody reported a payment of it: it is asked about before the others.
  at_once boolean not null default false,
  next_late_check_at timestamptz not null
);
create index late_checks_due on late_checks (credential_id, next_late_check_at);

-- The lease of an account's round; held by the first of its credentials.
alter table credentials add column late_checks_after timestamptz not null default '-infinity';

-- An hour of a provider's own retries is over by then, and the 24 hours in which a second payment must be seen are not.
create function first_late_check(once boolean) returns timestamptz language sql volatile as $$
  select clock_timestamp() + case when once then interval '6 hours' else interval '1 minute' end
$$;

create function late_checks_of_outcomes() returns trigger language plpgsql as $$
begin
  insert into late_checks (submission_id, credential_id, once, next_late_check_at)
  select now.id, now.credential_id, now.outcome = 'settled', first_late_check(now.outcome = 'settled')
  from now_rows now join was_rows was on was.id = now.id
  where now.kind = 'call' and now.outcome in ('rejected', 'settled') and now.outcome is distinct from was.outcome
  on conflict (submission_id) do update set once = excluded.once, since = excluded.since,
    next_late_check_at = excluded.next_late_check_at;
  return null;
end $$;
create trigger submissions_late_checks after update on submissions
  referencing old table as was_rows new table as now_rows
  for each statement execute function late_checks_of_outcomes();

-- Of a call that is written down with its outcome, as after a restore. Whoever carries an open payout asks about its open calls.
create function late_check_of_written_call() returns trigger language plpgsql as $$
begin
  insert into late_checks (submission_id, credential_id, once, next_late_check_at)
  select new.id, new.credential_id, new.outcome = 'settled', first_late_check(new.outcome = 'settled')
  where new.outcome in ('rejected', 'settled') or exists (
    select from payouts where id = new.payout_id and state in ('succeeded', 'failed', 'cancelled', 'returned'))
  on conflict (submission_id) do nothing;
  return null;
end $$;
create trigger submissions_late_check_written after insert on submissions for each row
  when (new.kind = 'call' and new.outcome is not null and new.outcome <> 'not_sent')
  execute function late_check_of_written_call();

-- Of a payout that is paid while another of its calls is open, and of money that came back. A first call has no other beside it.
create function late_checks_of_payout() returns trigger language plpgsql as $$
begin
  insert into late_checks (submission_id, credential_id, once, next_late_check_at)
  select id, credential_id, false, first_late_check(false) from submissions
  where payout_id = new.id and kind = 'call' and (outcome is null or outcome in ('accepted', 'unknown')
    or (outcome = 'settled' and new.state = 'returned'))
  on conflict (submission_id) do update set once = false, since = excluded.since,
    next_late_check_at = excluded.next_late_check_at;
  return null;
end $$;
create trigger payouts_late_checks after update of state on payouts for each row
  when (new.state <> old.state and (new.state = 'returned' or (new.state = 'succeeded'
    and (new.attempt > 1 or old.state in ('in_review', 'failed', 'cancelled')))))
  execute function late_checks_of_payout();

-- What payouts were looked after for so far goes on.
insert into late_checks (submission_id, credential_id, since, once, next_late_check_at)
select submission.id, submission.credential_id, coalesce(submission.outcome_at, submission.created_at),
  submission.outcome is not distinct from 'settled', clock_timestamp()
from payouts payout join submissions submission on submission.payout_id = payout.id
where payout.next_watch_at is not null and submission.kind = 'call' and submission.outcome is distinct from 'not_sent';

-- Late checks have a share of an account's requests. `late_credit`: how many they may have by now; what of it is whole is kept
-- for them while they wait (`late_asked_at`).
alter table provider_rates add column late_credit double precision not null default 0;
alter table provider_rates add column late_asked_at timestamptz not null default 'epoch';
-- When somebody else last waited for a request: late checks take more than their share only where nobody does.
alter table provider_rates add column waited_at timestamptz not null default 'epoch';
