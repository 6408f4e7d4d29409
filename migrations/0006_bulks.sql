-- Bulk cash-ins: many payouts accepted as one unit. A line is a payout with an owner `bulk/<id>` until it is handed over.

create table bulks (
  id text primary key,
  merchant_id text not null references merchants,
  environment text not null check (environment in ('sandbox', 'live')),
  state text not null,
  version integer not null default 1,
  reason text not null,
  description text,
  metadata jsonb not null default '{}',
  notify text not null default 'summary' check (notify in ('each', 'summary', 'none')),
  on_invalid text not null default 'reject' check (on_invalid in ('reject', 'skip')),
  -- SHA-256 of the content as it came in.
  content_hash bytea,
  currency text,
  -- Lines that were taken, and their sum in minor units.
  line_count integer not null default 0,
  total bigint not null default 0,
  skipped_count integer not null default 0,
  scheduled_at timestamptz,
  run_id text,
  sweep_after timestamptz not null default clock_timestamp() + interval '10 seconds',
  nudged boolean not null default false,
  created_by text not null,
  received_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  updated_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
create index bulks_listing on bulks (merchant_id, environment, received_at desc, id desc);
create index bulks_content on bulks (merchant_id, environment, content_hash) where state <> 'invalid';
create index bulks_sweep on bulks (sweep_after) where state not in ('invalid', 'completed', 'rejected', 'cancelled');

create table bulk_transitions (
  from_state text not null,
  to_state text not null,
  primary key (from_state, to_state)
);
insert into bulk_transitions values
  ('receiving', 'ready'), ('receiving', 'invalid'),
  ('ready', 'awaiting_approval'), ('ready', 'scheduled'), ('ready', 'awaiting_float'), ('ready', 'running'),
  ('ready', 'cancelled'),
  ('awaiting_approval', 'scheduled'), ('awaiting_approval', 'awaiting_float'), ('awaiting_approval', 'running'),
  ('awaiting_approval', 'rejected'), ('awaiting_approval', 'cancelled'),
  ('scheduled', 'awaiting_float'), ('scheduled', 'running'), ('scheduled', 'cancelled'),
  ('awaiting_float', 'running'), ('awaiting_float', 'cancelled'),
  ('running', 'paused'), ('running', 'stopping'), ('running', 'completed'),
  ('paused', 'running'), ('paused', 'stopping'),
  ('stopping', 'cancelled'),
  ('completed', 'running');

create table bulk_events (
  bulk_id text not null references bulks,
  sequence integer not null,
  from_state text,
  to_state text not null,
  at timestamptz not null default clock_timestamp(),
  actor text not null,
  reason text not null,
  detail text,
  primary key (bulk_id, sequence)
);
create trigger bulk_events_append_only before update or delete on bulk_events
  for each row execute function refuse_change();

create function guard_bulk() returns trigger language plpgsql as $$
begin
  if (new.id, new.merchant_id, new.environment) is distinct from (old.id, old.merchant_id, old.environment)
     or (old.state <> 'receiving' and (new.content_hash, new.currency, new.line_count, new.total)
       is distinct from (old.content_hash, old.currency, old.line_count, old.total)) then
    raise exception 'bulk %: what was accepted never changes', old.id using errcode = 'CA001';
  end if;
  if new.version < old.version then
    raise exception 'bulk %: numbers only grow', old.id using errcode = 'CA001';
  end if;
  if new.state <> old.state then
    if not exists (select 1 from bulk_transitions where from_state = old.state and to_state = new.state) then
      raise exception 'bulk %: % may not go to %', old.id, old.state, new.state using errcode = 'CA003';
    end if;
    if new.version <> old.version + 1 then
      raise exception 'bulk %: a change of state is one version', old.id using errcode = 'CA003';
    end if;
  end if;
  return new;
end $$;
create trigger bulks_guard before update on bulks for each row execute function guard_bulk();
create trigger bulks_kept before delete on bulks for each row execute function refuse_change();

-- Lines while they are received, before the whole is accepted or refused; nothing of them is kept afterwards.
create unlogged table bulk_staging (
  bulk_id text not null,
  line integer not null,
  payout_id text not null,
  amount bigint not null,
  currency text not null,
  method text not null,
  recipient_msisdn text,
  description text,
  customer_enc bytea not null,
  reference text,
  metadata jsonb not null,
  primary key (bulk_id, line)
);

-- What is wrong with a bulk, without any value of it: where, what, and what to change.
create table bulk_errors (
  bulk_id text not null references bulks,
  position integer not null,
  line integer,
  field text,
  code text not null,
  message text not null,
  primary key (bulk_id, position)
);

alter table payouts
  add column bulk_id text references bulks,
  add column bulk_line integer,
  add constraint payouts_bulk_line check ((bulk_id is null) = (bulk_line is null));
create unique index payouts_of_bulk on payouts (bulk_id, bulk_line) where bulk_id is not null;
create index payouts_of_bulk_waiting on payouts (bulk_id, bulk_line) where bulk_id is not null and state = 'accepted';

alter table idempotency_keys
  alter column payout_id drop not null,
  add column bulk_id text references bulks,
  add constraint idempotency_keys_one_object check ((payout_id is null) <> (bulk_id is null));

-- The roll-up: lines and amounts by state, kept as what was and the moves since, so that those who move lines at once do
-- not wait for each other. The moves are folded in from time to time; both together are always right.
create table bulk_counts (
  bulk_id text not null references bulks,
  state text not null,
  lines integer not null,
  amount bigint not null,
  primary key (bulk_id, state)
);
create table bulk_moves (
  bulk_id text not null,
  from_state text not null,
  to_state text not null,
  amount bigint not null
);
create index bulk_moves_bulk on bulk_moves (bulk_id);

create function note_bulk_move() returns trigger language plpgsql as $$
begin
  insert into bulk_moves values (new.bulk_id, old.state, new.state, new.amount);
  return null;
end $$;
create trigger payouts_bulk_move after update of state on payouts for each row
  when (new.bulk_id is not null and new.state <> old.state) execute function note_bulk_move();

create function guard_bulk_line() returns trigger language plpgsql as $$
begin
  if (new.bulk_id, new.bulk_line) is distinct from (old.bulk_id, old.bulk_line) then
    raise exception 'payout %: the bulk of a line never changes', old.id using errcode = 'CA001';
  end if;
  return new;
end $$;
create trigger payouts_guard_bulk before update of bulk_id, bulk_line on payouts for each row execute function guard_bulk_line();

create function fold_bulk_moves(p_bulk_id text) returns void language sql as $$
  with moved as (
    delete from bulk_moves where bulk_id = p_bulk_id returning from_state, to_state, amount
  ), sums as (
    select state, sum(lines)::integer as lines, sum(amount)::bigint as amount from (
      select from_state as state, -1 as lines, -amount as amount from moved
      union all select to_state, 1, amount from moved
    ) change group by state
  )
  insert into bulk_counts select p_bulk_id, state, lines, amount from sums order by state
  on conflict (bulk_id, state) do update
    set lines = bulk_counts.lines + excluded.lines, amount = bulk_counts.amount + excluded.amount
$$;

-- Holds of a bulk: one for all of its lines, of which parts are moved to holds of payouts that are handed over.
alter table holds
  add column handed_over bigint not null default 0,
  add column released bigint not null default 0,
  add constraint holds_parts check (handed_over >= 0 and released >= 0 and handed_over + released <= amount);
alter table holds drop constraint holds_closed_by_check;
alter table holds add constraint holds_closed_by_check check (closed_by in ('capture', 'release', 'hand_over'));

-- Takes the whole bulk's amount from the available float. CA402: too little float.
create function open_bulk_hold(p_bulk_id text) returns void language plpgsql as $$
declare v_bulk bulks; v_held bigint;
begin
  select * into strict v_bulk from bulks where id = p_bulk_id;
  v_held := ledger_account(v_bulk.merchant_id, v_bulk.environment, v_bulk.currency, 'held');
  insert into holds (owner, hold_no, account_id, amount) values ('bulk/' || v_bulk.id, 1, v_held, v_bulk.total);
  insert into ledger_entries (kind, from_account, to_account, amount, owner, hold_no, cause)
  values ('hold', ledger_account(v_bulk.merchant_id, v_bulk.environment, v_bulk.currency, 'available'), v_held,
    v_bulk.total, 'bulk/' || v_bulk.id, 1, 'bulk/' || v_bulk.id || '#1');
exception when check_violation then
  raise exception 'insufficient float' using errcode = 'CA402';
end $$;

-- Moves the parts of lines to holds of their own; the money stays held. The lines' owner is changed by the caller, in the
-- same transaction. A part is moved once: a payout's hold of one number exists once.
create function hand_over_holds(p_bulk_id text, p_payout_ids text[]) returns void language plpgsql as $$
declare v_sum bigint;
begin
  insert into holds (owner, hold_no, payout_id, account_id, amount)
  select 'payout/' || payout.id, payout.hold_no, payout.id, bulk.account_id, payout.amount
  from payouts payout join holds bulk on bulk.owner = 'bulk/' || p_bulk_id and bulk.hold_no = 1
  where payout.id = any (p_payout_ids) and payout.bulk_id = p_bulk_id;
  select sum(amount) into v_sum from payouts where id = any (p_payout_ids) and bulk_id = p_bulk_id;
  update holds set handed_over = handed_over + coalesce(v_sum, 0),
    closed_by = case when handed_over + released + coalesce(v_sum, 0) = amount then 'hand_over' end,
    closed_cause = case when handed_over + released + coalesce(v_sum, 0) = amount then 'bulk/' || p_bulk_id end,
    closed_at = case when handed_over + released + coalesce(v_sum, 0) = amount then clock_timestamp() end
  where owner = 'bulk/' || p_bulk_id and hold_no = 1;
end $$;

-- Gives back what a bulk still holds for lines that will never be sent: all that is left of its hold, once.
create function release_bulk_rest(p_bulk_id text) returns bigint language plpgsql as $$
declare v_bulk bulks; v_rest bigint;
begin
  select * into strict v_bulk from bulks where id = p_bulk_id;
  if exists (select 1 from payouts where bulk_id = p_bulk_id and owner = 'bulk/' || p_bulk_id and state <> 'cancelled') then
    raise exception 'release refused: bulk % has lines that may still be sent', p_bulk_id using errcode = 'CA409';
  end if;
  update holds set released = amount - handed_over, closed_by = 'release', closed_cause = 'bulk/' || p_bulk_id,
    closed_at = clock_timestamp()
  where owner = 'bulk/' || p_bulk_id and hold_no = 1 and closed_by is null returning released into v_rest;
  if coalesce(v_rest, 0) = 0 then return 0; end if;
  insert into ledger_entries (kind, from_account, to_account, amount, owner, hold_no, cause)
  values ('release', ledger_account(v_bulk.merchant_id, v_bulk.environment, v_bulk.currency, 'held'),
    ledger_account(v_bulk.merchant_id, v_bulk.environment, v_bulk.currency, 'available'),
    v_rest, 'bulk/' || v_bulk.id, 1, 'bulk/' || v_bulk.id || '#1');
  return v_rest;
end $$;
