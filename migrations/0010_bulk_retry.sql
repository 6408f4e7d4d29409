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

-- After a restore a bulk that has not begun may have lines that were sent in the time that was lost, and that come to their end
-- before it begins: nothing is held yet for them.

-- As before; what is not held is not given back.
create or replace function release_hold(p_payout_id text) returns boolean language plpgsql as $$
declare v_payout payouts; v_closed text; v_cause text;
begin
  select * into strict v_payout from payouts where id = p_payout_id for no key update;
  if has_unproven_submission(p_payout_id) then
    raise exception 'release refused: payout % has a submission that is not proven unpaid', p_payout_id
      using errcode = 'CA409';
  end if;
  if v_payout.owner like 'bulk/%' then
    if not exists (select from holds where owner = v_payout.owner and hold_no = v_payout.hold_no) then return false; end if;
    select closed_by into v_closed from bulk_parts where payout_id = v_payout.id and hold_no = v_payout.hold_no;
    if v_closed = 'release' then return false; end if;
    perform close_bulk_parts(v_payout.bulk_id, 'release', array[v_payout.id], array[v_payout.owner]);
    return true;
  end if;
  v_cause := v_payout.owner || '#' || v_payout.hold_no;
  select closed_by into strict v_closed from holds
    where owner = v_payout.owner and hold_no = v_payout.hold_no for update;
  if v_closed = 'release' then return false; end if;
  update holds set closed_by = 'release', closed_cause = v_cause, closed_at = clock_timestamp()
    where owner = v_payout.owner and hold_no = v_payout.hold_no;
  return book_entry('release', v_payout, 'held', 'available', v_cause);
end $$;

-- Holds the whole amount of a bulk that begins, and closes the parts of lines that are at their end already: what was paid with
-- nothing held leaves suspense and is taken from the hold instead. CA402: too little float.
create function begin_bulk_hold(p_bulk_id text) returns void language plpgsql as $$
declare v_line payouts; v_cause text;
begin
  -- Whoever ends a line locks it first: it ends before this hold or finds it.
  perform 1 from payouts where bulk_id = p_bulk_id and state <> 'accepted' order by id for no key update;
  perform open_bulk_hold(p_bulk_id);
  for v_line in
    select * from payouts where bulk_id = p_bulk_id and state in ('succeeded', 'failed', 'cancelled', 'returned') order by id
  loop
    if v_line.state in ('failed', 'cancelled') then
      perform release_hold(v_line.id);
    else
      select cause into strict v_cause from ledger_entries
        where payout_id = v_line.id and kind = 'suspense_capture' order by id limit 1;
      perform take_back('reversal', v_line.id, 1);
      perform capture_hold(v_line.id, v_cause);
      if v_line.state = 'returned' then perform take_back('return', v_line.id, 1); end if;
    end if;
  end loop;
end $$;
