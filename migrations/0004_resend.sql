-- Automatic resend (off unless a provider is configured for it): a payout whose answer is lost and that no look-up shows
-- may be sent once more under a new reference, while the look-ups of the old one go on.

alter table payouts add column resend boolean not null default false;

create function guard_resend() returns trigger language plpgsql as $$
declare
  open_calls text[];
begin
  if new.state = 'processing' and old.state = 'unknown' and not old.resend then
    raise exception 'payout %: an unknown one is sent again only where that was allowed', old.id using errcode = 'CA003';
  end if;
  if new.resend and not old.resend then
    select array_agg(id) into open_calls from submissions
      where payout_id = old.id and outcome is distinct from 'void'
        and outcome is distinct from 'not_sent' and outcome is distinct from 'rejected';
    if new.state <> 'unknown' or cardinality(open_calls) <> 1 then
      raise exception 'payout %: at most one unproven call may stand beside a resend', old.id using errcode = 'CA409';
    end if;
    if not coalesce((select verdict = 'absent' and rows_seen = 0 from look_ups
        where submission_id = open_calls[1] order by at desc limit 1), false) then
      raise exception 'payout %: a resend needs a look-up that shows nothing', old.id using errcode = 'CA409';
    end if;
  end if;
  return new;
end $$;
create trigger payouts_guard_resend before update on payouts for each row
  when (new.state in ('processing', 'unknown')) execute function guard_resend();
