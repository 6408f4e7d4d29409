-- Double entry: an entry moves an amount from one account to another, so the sum over all accounts is zero by
-- construction. Available and held are never negative. A hold opens once and closes once.

create table ledger_accounts (
  id bigint generated always as identity primary key,
  merchant_id text not null references merchants,
  environment text not null check (environment in ('sandbox', 'live')),
  currency text not null,
  kind text not null check (kind in ('funding', 'available', 'held', 'paid', 'suspense')),
  balance bigint not null default 0,
  updated_at timestamptz not null default now(),
  unique (merchant_id, environment, currency, kind),
  constraint never_overdrawn check (kind not in ('available', 'held') or balance >= 0)
);

create table ledger_entries (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('hold', 'capture', 'release', 'top_up', 'return', 'reversal', 'suspense_capture')),
  from_account bigint not null references ledger_accounts,
  to_account bigint not null references ledger_accounts,
  amount bigint not null check (amount > 0),
  owner text,
  hold_no integer,
  payout_id text references payouts,
  -- What makes the step book once: the submission, decision or request that it stands for.
  cause text not null,
  -- The entry that this one takes back; each is taken back at most once.
  undoes bigint unique references ledger_entries,
  booked_at timestamptz not null default clock_timestamp(),
  check (from_account <> to_account),
  check ((undoes is not null) = (kind in ('return', 'reversal'))),
  unique (kind, cause)
);
create index ledger_entries_payout on ledger_entries (payout_id);

create table holds (
  owner text not null,
  hold_no integer not null,
  payout_id text references payouts,
  account_id bigint not null references ledger_accounts,
  amount bigint not null check (amount > 0),
  opened_at timestamptz not null default clock_timestamp(),
  closed_by text check (closed_by in ('capture', 'release')),
  closed_cause text,
  closed_at timestamptz,
  primary key (owner, hold_no),
  check ((closed_by is null) = (closed_at is null) and (closed_by is null) = (closed_cause is null))
);
create index holds_open on holds (payout_id) where closed_by is null;

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'CA001';
end $$;
create trigger ledger_entries_append_only before update or delete on ledger_entries
  for each row execute function refuse_change();

create function apply_ledger_entry() returns trigger language plpgsql as $$
begin
  -- All accounts of the float, in one order, at the first entry: no two transactions wait for each other in a ring, however
  -- many entries they book. No stronger lock than the balance needs: the foreign keys of this very insert share-lock the
  -- accounts already, in everybody's transaction.
  perform 1 from ledger_accounts account join ledger_accounts source on source.id = new.from_account
    where (account.merchant_id, account.environment, account.currency)
        = (source.merchant_id, source.environment, source.currency)
    order by account.id for no key update of account;
  if (select count(distinct (merchant_id, environment, currency)) from ledger_accounts
      where id in (new.from_account, new.to_account)) <> 1 then
    raise exception 'an entry stays within one merchant, environment and currency' using errcode = 'CA001';
  end if;
  update ledger_accounts set balance = balance - new.amount, updated_at = now() where id = new.from_account;
  update ledger_accounts set balance = balance + new.amount, updated_at = now() where id = new.to_account;
  return null;
end $$;
create trigger ledger_entries_apply after insert on ledger_entries for each row execute function apply_ledger_entry();

-- Balances begin at zero and change only through entries.
create function refuse_direct_balance() returns trigger language plpgsql as $$
begin
  if (tg_op = 'INSERT' and new.balance <> 0) or (tg_op = 'UPDATE' and pg_trigger_depth() < 2) then
    raise exception 'a balance changes only by a ledger entry' using errcode = 'CA001';
  end if;
  return new;
end $$;
create trigger ledger_accounts_by_entries before insert or update on ledger_accounts
  for each row execute function refuse_direct_balance();
create trigger ledger_accounts_kept before delete on ledger_accounts
  for each row execute function refuse_change();

create function close_hold_once() returns trigger language plpgsql as $$
begin
  if old.closed_by is not null then
    raise exception 'hold %/% is closed by % already', old.owner, old.hold_no, old.closed_by using errcode = 'CA002';
  end if;
  return new;
end $$;
create trigger holds_close_once before update on holds for each row execute function close_hold_once();
create trigger holds_kept before delete on holds for each row execute function refuse_change();

create function ledger_account(p_merchant text, p_environment text, p_currency text, p_kind text)
returns bigint language plpgsql as $$
declare v_id bigint;
begin
  select id into v_id from ledger_accounts
    where merchant_id = p_merchant and environment = p_environment and currency = p_currency and kind = p_kind;
  if v_id is null then
    insert into ledger_accounts (merchant_id, environment, currency, kind)
      select p_merchant, p_environment, p_currency, kind
      from unnest(array['funding', 'available', 'held', 'paid', 'suspense']) kind
      on conflict do nothing;
    select id into v_id from ledger_accounts
      where merchant_id = p_merchant and environment = p_environment and currency = p_currency and kind = p_kind;
  end if;
  return v_id;
end $$;

-- Books one entry; the same cause books once. Returns whether it was booked now.
create function book_entry(p_kind text, p_payout payouts, p_from text, p_to text, p_cause text)
returns boolean language plpgsql as $$
begin
  insert into ledger_entries (kind, from_account, to_account, amount, owner, hold_no, payout_id, cause)
  values (p_kind,
    ledger_account(p_payout.merchant_id, p_payout.environment, p_payout.currency, p_from),
    ledger_account(p_payout.merchant_id, p_payout.environment, p_payout.currency, p_to),
    p_payout.amount, p_payout.owner, p_payout.hold_no, p_payout.id, p_cause)
  on conflict (kind, cause) do nothing;
  return found;
end $$;

-- Takes the payout's amount from the available float, under its present (owner, hold number). CA402: too little float.
create function open_hold(p_payout_id text) returns void language plpgsql as $$
declare v_payout payouts;
begin
  select * into strict v_payout from payouts where id = p_payout_id;
  insert into holds (owner, hold_no, payout_id, account_id, amount)
  values (v_payout.owner, v_payout.hold_no, v_payout.id,
    ledger_account(v_payout.merchant_id, v_payout.environment, v_payout.currency, 'held'), v_payout.amount);
  perform book_entry('hold', v_payout, 'available', 'held', v_payout.owner || '#' || v_payout.hold_no);
exception when check_violation then
  raise exception 'insufficient float' using errcode = 'CA402';
end $$;

-- True while a submission of the payout may have moved money.
create function has_unproven_submission(p_payout_id text) returns boolean language sql stable as $$
  select exists (
    select 1 from submissions
    where payout_id = p_payout_id and (outcome is null or outcome not in ('void', 'not_sent', 'rejected')))
$$;

-- Gives the held amount back. The one place that can; it refuses (CA409) unless every submission is proven unpaid.
create function release_hold(p_payout_id text) returns boolean language plpgsql as $$
declare v_payout payouts; v_closed text; v_cause text;
begin
  select * into strict v_payout from payouts where id = p_payout_id for no key update;
  if has_unproven_submission(p_payout_id) then
    raise exception 'release refused: payout % has a submission that is not proven unpaid', p_payout_id
      using errcode = 'CA409';
  end if;
  v_cause := v_payout.owner || '#' || v_payout.hold_no;
  select closed_by into strict v_closed from holds
    where owner = v_payout.owner and hold_no = v_payout.hold_no for update;
  if v_closed = 'release' then return false; end if;
  update holds set closed_by = 'release', closed_cause = v_cause, closed_at = clock_timestamp()
    where owner = v_payout.owner and hold_no = v_payout.hold_no;
  return book_entry('release', v_payout, 'held', 'available', v_cause);
end $$;

-- Takes the held amount for a submission that is settled. Without an open hold the amount goes to suspense, once per
-- cause: money left that nothing was held for, which people must settle.
create function capture_hold(p_payout_id text, p_cause text) returns text language plpgsql as $$
declare v_payout payouts; v_hold holds;
begin
  select * into strict v_payout from payouts where id = p_payout_id for no key update;
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

-- Takes back the captures of a payout that still stand, up to so many, those of its holds first: what was held for it is
-- available again, what nothing was held for leaves suspense again. Returns how many.
create function take_back(p_kind text, p_payout_id text, p_most integer) returns integer language plpgsql as $$
declare v_count integer;
begin
  perform 1 from payouts where id = p_payout_id for no key update;
  insert into ledger_entries (kind, from_account, to_account, amount, owner, hold_no, payout_id, cause, undoes)
  select p_kind, entry.to_account,
    case entry.kind when 'capture'
      then ledger_account(paid.merchant_id, paid.environment, paid.currency, 'available') else entry.from_account end,
    entry.amount, entry.owner, entry.hold_no, entry.payout_id, 'entry/' || entry.id, entry.id
  from ledger_entries entry join ledger_accounts paid on paid.id = entry.to_account
  where entry.payout_id = p_payout_id and entry.kind in ('capture', 'suspense_capture')
    and not exists (select 1 from ledger_entries back where back.undoes = entry.id)
  order by entry.kind, entry.id limit p_most;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Money that came back after success: the float is credited again. False where nothing of the payout is captured.
create function book_return(p_payout_id text) returns boolean language sql as $$
  select take_back('return', p_payout_id, 1) > 0
$$;

-- A success that two people found not to be one. False where nothing of the payout is captured.
create function book_reversal(p_payout_id text) returns boolean language sql as $$
  select take_back('reversal', p_payout_id, null) > 0
$$;

-- The same request of a merchant, environment and currency books once; 22023 where it had another amount.
create function top_up_float(p_merchant text, p_environment text, p_currency text, p_amount bigint, p_request text)
returns boolean language plpgsql as $$
declare v_cause text := concat_ws('/', p_merchant, p_environment, p_currency, p_request); v_amount bigint;
begin
  insert into ledger_entries (kind, from_account, to_account, amount, cause)
  values ('top_up', ledger_account(p_merchant, p_environment, p_currency, 'funding'),
    ledger_account(p_merchant, p_environment, p_currency, 'available'), p_amount, v_cause)
  on conflict (kind, cause) do nothing;
  if found then return true; end if;
  select amount into strict v_amount from ledger_entries where kind = 'top_up' and cause = v_cause;
  if v_amount <> p_amount then
    raise exception 'request % was booked before with the amount %', p_request, v_amount using errcode = '22023';
  end if;
  return false;
end $$;
