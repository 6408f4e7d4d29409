-- Lines that their bulk carries itself. Each line's part of the bulk's hold closes once: captured, released, or handed over
-- to a hold of the line's own. The parts of a micro-batch are booked in one entry.

-- The present hold of a bulk: a new number only by `retry-failed`, for the lines that are tried again.
alter table bulks add column hold_no integer not null default 1;

create table bulk_parts (
  payout_id text not null references payouts,
  hold_no integer not null,
  bulk_id text not null references bulks,
  amount bigint not null,
  closed_by text not null check (closed_by in ('capture', 'release', 'hand_over')),
  -- The submission that is paid, or the bulk.
  cause text not null,
  entry_id bigint references ledger_entries,
  closed_at timestamptz not null default clock_timestamp(),
  primary key (payout_id, hold_no),
  check ((entry_id is null) = (closed_by = 'hand_over'))
);
create index bulk_parts_handed_over on bulk_parts (bulk_id) where closed_by = 'hand_over';
create trigger bulk_parts_append_only before update or delete on bulk_parts
  for each row execute function refuse_change();

insert into bulk_parts (payout_id, hold_no, bulk_id, amount, closed_by, cause)
select id, 1, bulk_id, amount, 'hand_over', owner from payouts where bulk_id is not null and owner = 'payout/' || id;
insert into bulk_parts (payout_id, hold_no, bulk_id, amount, closed_by, cause, entry_id)
select payout.id, 1, payout.bulk_id, payout.amount, 'release', payout.owner, entry.id
from payouts payout join ledger_entries entry on entry.kind = 'release' and entry.owner = payout.owner
where payout.owner = 'bulk/' || payout.bulk_id;

-- Closing the last part closes the hold.
alter table holds add column captured bigint not null default 0;
alter table holds drop constraint holds_parts;
alter table holds add constraint holds_parts
  check (handed_over >= 0 and released >= 0 and captured >= 0 and handed_over + released + captured <= amount);

-- One entry may be taken back line by line.
alter table ledger_entries drop constraint ledger_entries_undoes_key;
create unique index ledger_entries_undoes on ledger_entries (undoes, payout_id);

-- A line changes four times in a minute: no index carries it that does not need to.
drop index payouts_of_bulk_waiting;
alter table payouts drop constraint payouts_merchant_id_environment_unique_reference_key;
create unique index payouts_merchant_id_environment_unique_reference_key on payouts (merchant_id, environment, unique_reference)
  where unique_reference is not null;
drop index payouts_sweep;
create index payouts_sweep on payouts (sweep_after)
  where state not in ('accepted', 'succeeded', 'failed', 'cancelled', 'returned') and sweep_after < 'infinity';

create or replace function open_bulk_hold(p_bulk_id text) returns void language plpgsql as $$
declare v_bulk bulks; v_held bigint; v_amount bigint;
begin
  select * into strict v_bulk from bulks where id = p_bulk_id;
  -- The first hold is for the whole; a later one for the lines that carry its number.
  select case v_bulk.hold_no when 1 then v_bulk.total else coalesce(sum(amount), 0) end into v_amount
    from payouts where bulk_id = p_bulk_id and owner = 'bulk/' || p_bulk_id and hold_no = v_bulk.hold_no;
  v_held := ledger_account(v_bulk.merchant_id, v_bulk.environment, v_bulk.currency, 'held');
  insert into holds (owner, hold_no, account_id, amount) values ('bulk/' || v_bulk.id, v_bulk.hold_no, v_held, v_amount);
  insert into ledger_entries (kind, from_account, to_account, amount, owner, hold_no, cause)
  values ('hold', ledger_account(v_bulk.merchant_id, v_bulk.environment, v_bulk.currency, 'available'), v_held,
    v_amount, 'bulk/' || v_bulk.id, v_bulk.hold_no, 'bulk/' || v_bulk.id || '#' || v_bulk.hold_no);
exception when check_violation then
  raise exception 'insufficient float' using errcode = 'CA402';
end $$;

-- Closes the parts of lines that their bulk owns, in one entry per hold. The one place that gives a line's part back: it
-- refuses (CA409) unless every submission of every line is proven unpaid. CA002: a part is closed already.
create function close_bulk_parts(p_bulk_id text, p_closed_by text, p_payout_ids text[], p_causes text[]) returns void
language plpgsql as $$
declare v_hold record; v_entry bigint; v_count integer; v_bulk bulks;
begin
  if cardinality(p_payout_ids) = 0 then return; end if;
  select * into strict v_bulk from bulks where id = p_bulk_id;
  select count(*) into v_count from payouts
    where id = any (p_payout_ids) and bulk_id = p_bulk_id and owner = 'bulk/' || p_bulk_id;
  if v_count <> cardinality(p_payout_ids) then
    raise exception 'parts of bulk %: not all lines are its own', p_bulk_id using errcode = 'CA409';
  end if;
  if p_closed_by = 'release' and exists (
    select 1 from submissions
    where payout_id = any (p_payout_ids) and (outcome is null or outcome not in ('void', 'not_sent', 'rejected'))) then
    raise exception 'release refused: a line of bulk % has a submission that is not proven unpaid', p_bulk_id
      using errcode = 'CA409';
  end if;
  for v_hold in
    select hold_no, sum(amount)::bigint as amount from payouts where id = any (p_payout_ids) group by hold_no order by hold_no
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
      select payout.id, payout.hold_no, p_bulk_id, payout.amount, p_closed_by, closing.cause, v_entry
      from unnest(p_payout_ids, p_causes) as closing (payout_id, cause)
        join payouts payout on payout.id = closing.payout_id
      where payout.hold_no = v_hold.hold_no;
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

-- Moves the parts of lines to holds of their own; the money stays held. The lines' owner is changed by the caller, in the
-- same transaction.
create or replace function hand_over_holds(p_bulk_id text, p_payout_ids text[]) returns void language plpgsql as $$
begin
  perform close_bulk_parts(p_bulk_id, 'hand_over', p_payout_ids,
    (select array_agg('payout/' || id) from unnest(p_payout_ids) id));
  insert into holds (owner, hold_no, payout_id, account_id, amount)
  select 'payout/' || payout.id, payout.hold_no, payout.id, bulk.account_id, payout.amount
  from payouts payout join holds bulk on bulk.owner = 'bulk/' || p_bulk_id and bulk.hold_no = payout.hold_no
  where payout.id = any (p_payout_ids);
end $$;

drop function release_bulk_rest(text);

create or replace function release_hold(p_payout_id text) returns boolean language plpgsql as $$
declare v_payout payouts; v_closed text; v_cause text;
begin
  select * into strict v_payout from payouts where id = p_payout_id for no key update;
  if has_unproven_submission(p_payout_id) then
    raise exception 'release refused: payout % has a submission that is not proven unpaid', p_payout_id
      using errcode = 'CA409';
  end if;
  if v_payout.owner like 'bulk/%' then
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

create or replace function capture_hold(p_payout_id text, p_cause text) returns text language plpgsql as $$
declare v_payout payouts; v_hold holds; v_part bulk_parts;
begin
  select * into strict v_payout from payouts where id = p_payout_id for no key update;
  if v_payout.owner like 'bulk/%' then
    -- Whoever closes parts locks the bulk's hold first, so that what is read here stands.
    select * into v_hold from holds where owner = v_payout.owner and hold_no = v_payout.hold_no for update;
    select * into v_part from bulk_parts where payout_id = v_payout.id and hold_no = v_payout.hold_no;
    if v_part.closed_by = 'capture' and v_part.cause = p_cause then return 'already_captured'; end if;
    if v_hold.owner is null or v_part.payout_id is not null then
      perform book_entry('suspense_capture', v_payout, 'suspense', 'paid', p_cause);
      return 'suspense';
    end if;
    perform close_bulk_parts(v_payout.bulk_id, 'capture', array[v_payout.id], array[p_cause]);
    return 'captured';
  end if;
  select * into v_hold from holds where owner = v_payout.owner and hold_no = v_payout.hold_no for update;
  if v_hold.closed_by = 'capture' and v_hold.closed_cause = p_cause then return 'already_captured'; end if;
  if v_hold.owner is null or v_hold.closed_by is not null then
    perform book_entry('suspense_capture', v_payout, 'suspense', 'paid', p_cause);
    return 'suspense';
  end if;
  update holds set closed_by = 'capture', closed_cause = p_cause, closed_at = clock_timestamp()
    where owner = v_payout.owner and hold_no = v_payout.hold_no;
  perform book_entry('capture', v_payout, 'held', 'paid', p_cause);
  return 'captured';
end $$;

-- As before, and a line's share of an entry that was booked for a micro-batch.
create or replace function take_back(p_kind text, p_payout_id text, p_most integer) returns integer language plpgsql as $$
declare v_count integer;
begin
  perform 1 from payouts where id = p_payout_id for no key update;
  insert into ledger_entries (kind, from_account, to_account, amount, owner, hold_no, payout_id, cause, undoes)
  select p_kind, entry.to_account,
    case entry.kind when 'capture'
      then ledger_account(paid.merchant_id, paid.environment, paid.currency, 'available') else entry.from_account end,
    entry.amount, entry.owner, entry.hold_no, p_payout_id, entry.cause, entry.id
  from (
    select id, kind, from_account, to_account, amount, owner, hold_no, 'entry/' || id as cause from ledger_entries
    where payout_id = p_payout_id and kind in ('capture', 'suspense_capture')
    union all
    select booked.id, booked.kind, booked.from_account, booked.to_account, part.amount, booked.owner, booked.hold_no,
      'entry/' || booked.id || '/' || part.payout_id
    from bulk_parts part join ledger_entries booked on booked.id = part.entry_id
    where part.payout_id = p_payout_id and part.closed_by = 'capture'
  ) entry join ledger_accounts paid on paid.id = entry.to_account
  where not exists (select 1 from ledger_entries back where back.undoes = entry.id and back.payout_id = p_payout_id)
  order by entry.kind, entry.id limit p_most;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- A provider's own bulk call: many submissions that left in one request.
create table bulk_batches (
  id text primary key,
  bulk_id text not null references bulks,
  provider text not null,
  credential_id text not null references credentials,
  account_number text not null,
  -- SHA-256 of the unguessable part of the address that the provider calls back.
  callback_token_hash bytea not null unique,
  lines integer not null,
  writer text not null,
  send_by timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  outcome text check (outcome in ('not_sent', 'taken', 'refused_whole', 'rejected', 'unknown')),
  reason text,
  provider_code text,
  provider_text text,
  -- The provider's own name of the batch.
  batch_reference text,
  -- As its callback gave it, before a search has shown that it is true.
  hinted_reference text,
  outcome_at timestamptz,
  -- When the provider last said that it is done: a hint to look.
  called_back_at timestamptz
);
create index bulk_batches_bulk on bulk_batches (bulk_id, created_at);

alter table submissions add column batch_id text references bulk_batches;
create index submissions_batch on submissions (batch_id) where batch_id is not null;

create function guard_submission_batch() returns trigger language plpgsql as $$
begin
  raise exception 'submission %: what was sent never changes', old.id using errcode = 'CA001';
end $$;
create trigger submissions_guard_batch before update of batch_id on submissions for each row
  when (new.batch_id is distinct from old.batch_id) execute function guard_submission_batch();
