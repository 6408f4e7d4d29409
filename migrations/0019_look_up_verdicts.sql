-- What a look-up proves is what it saw: so far any look-up of a submission was taken as evidence for any outcome of it, and that
-- they agree was held by the code only. A negative one alone proves that a submission is unpaid (rule 12).
create function guard_look_up_outcome() returns trigger language plpgsql as $$
begin
  if not exists (select from look_ups where id = new.source_id and submission_id = new.id and case new.outcome
      when 'rejected' then verdict in ('rejected', 'absent')
      when 'settled' then verdict in ('settled', 'review')
      when 'accepted' then verdict = 'in_flight'
      else true end) then
    raise exception 'submission %: its look-up % did not see it %', new.id, new.source_id, new.outcome using errcode = 'CA004';
  end if;
  return new;
end $$;
create trigger submissions_guard_look_up before insert or update of outcome, source on submissions for each row
  when (new.source = 'lookup') execute function guard_look_up_outcome();
