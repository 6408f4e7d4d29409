-- `retry-failed`: a bulk at its end is taken up again for those of its lines that are proven unpaid, under a hold of a new
-- number. `retrying`: asked for, and no line is taken back yet.
alter table bulks add column retrying boolean not null default false;

create function guard_bulk_hold_no() returns trigger language plpgsql as $$
begin
  if old.state <> 'completed' or new.hold_no <> old.hold_no + 1 or not new.retrying then
    raise exception 'bulk %: only a retry of a completed one takes the next hold', old.id using errcode = 'CA003';
  end if;
  return new;
end $$;
create trigger bulks_guard_hold_no before update of hold_no on bulks for each row
  when (new.hold_no is distinct from old.hold_no) execute function guard_bulk_hold_no();
