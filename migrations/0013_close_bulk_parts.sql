-- Lines that end are found one by one, by their ids, whatever the statistics say: of a bulk that has just come in they know nothing, and
-- PostgreSQL read all its lines, or all submissions, for each batch of 64.

create function closing_lines(p_payout_ids text[], p_causes text[])
returns table (payout_id text, cause text, owner text, bulk_id text, hold_no integer, amount bigint)
language sql stable as $$
  select closing.payout_id, closing.cause, payout.owner, payout.bulk_id, payout.hold_no, payout.amount
  from unnest(p_payout_ids, p_causes) as closing (payout_id, cause)
    cross join lateral (select * from payouts where id = closing.payout_id offset 0) as payout
$$;

-- As before, by `closing_lines`.
create or replace function close_bulk_parts(p_bulk_id text, p_closed_by text, p_payout_ids text[], p_causes text[]) returns void
language plpgsql as $$
declare v_hold record; v_entry bigint; v_count integer; v_bulk bulks;
begin
  if cardinality(p_payout_ids) = 0 then return; end if;
  select * into strict v_bulk from bulks where id = p_bulk_id;
  select count(*) into v_count from closing_lines(p_payout_ids, p_causes)
    where bulk_id = p_bulk_id and owner = 'bulk/' || p_bulk_id;
  if v_count <> cardinality(p_payout_ids) then
    raise exception 'parts of bulk %: not all lines are its own', p_bulk_id using errcode = 'CA409';
  end if;
  if p_closed_by = 'release' and exists (
    select from unnest(p_payout_ids) as closing (payout_id)
      cross join lateral (select outcome from submissions where payout_id = closing.payout_id offset 0) as submission
    where outcome is null or outcome not in ('void', 'not_sent', 'rejected')) then
    raise exception 'release refused: a line of bulk % has a submission that is not proven unpaid', p_bulk_id
      using errcode = 'CA409';
  end if;
  for v_hold in
    select hold_no, sum(amount)::bigint as amount from closing_lines(p_payout_ids, p_causes) group by hold_no order by hold_no
  loop
    perform 1 from holds where owner = 'bulk/' || p_bulk_id and hold_no = v_hold.hold_no for update;
    v_entry := null;
    if p_closed_by <> 'hand_over' then
      insert into ledger_entries (kind, from_account, to_account, amount, owner, hold_no, cause)
      values (p_closed_by, ledger_account(v_bulk.merchant_id, v_bulk.environment, v_bulk.currency, 'held'),
        ledger_account(v_bulk.merchant_id, v_bulk.environment, v_bulk.currency,
          case p_closed_by when 'capture' then 'paid' else 'available' end),
        v_hold.amount, 'bulk/' || p_bulk_id, v_hold.hold_no,
        'bulk/' || p_bulk_id || '#' || v_hold.hold_no || '/' || gen_random_uuid())
      returning id into v_entry;
    end if;
    begin
      insert into bulk_parts (payout_id, hold_no, bulk_id, amount, closed_by, cause, entry_id)
      select payout_id, hold_no, p_bulk_id, amount, p_closed_by, cause, v_entry
      from closing_lines(p_payout_ids, p_causes) where hold_no = v_hold.hold_no;
    exception when unique_violation then
      raise exception 'parts of bulk %: one is closed already', p_bulk_id using errcode = 'CA002';
    end;
    update holds set
      captured = captured + case p_closed_by when 'capture' then v_hold.amount else 0 end,
      released = released + case p_closed_by when 'release' then v_hold.amount else 0 end,
      handed_over = handed_over + case p_closed_by when 'hand_over' then v_hold.amount else 0 end
    where owner = 'bulk/' || p_bulk_id and hold_no = v_hold.hold_no;
    if not found then raise exception 'bulk % holds nothing under number %', p_bulk_id, v_hold.hold_no; end if;
    update holds set closed_by = p_closed_by, closed_cause = 'bulk/' || p_bulk_id, closed_at = clock_timestamp()
    where owner = 'bulk/' || p_bulk_id and hold_no = v_hold.hold_no and closed_by is null
      and captured + released + handed_over = amount;
  end loop;
end $$;
