-- A statement names the account that it is of and its period, lies within plausible times, and settles what no provider call confirms only when two
-- independent operators have imported the same file (rules 11 and 19). Whoever writes.

create table statements (
  provider text not null,
  file_hash bytea not null,
  account_number text not null,
  -- The first moment, and the first one after it.
  period_from timestamptz not null,
  period_to timestamptz not null,
  imported_at timestamptz not null default clock_timestamp(),
  primary key (provider, file_hash),
  check (period_from < period_to)
);
create trigger statements_append_only before update or delete on statements for each row execute function refuse_change();

create function guard_statement() returns trigger language plpgsql as $$
begin
  new.imported_at := clock_timestamp();
  if new.period_to > new.imported_at + interval '1 day' or new.period_from < new.imported_at - interval '400 days' then
    raise exception 'a statement of % to % is not plausible: it ends today at the latest and begins within the last 400 days',
      new.period_from, new.period_to using errcode = 'CA005';
  end if;
  return new;
end $$;
create trigger statements_guard before insert on statements for each row execute function guard_statement();

-- Who has imported it.
create table statement_votes (
  provider text not null,
  file_hash bytea not null,
  key_id text not null references api_keys,
  person_id text not null references persons,
  at timestamptz not null,
  transaction xid8 not null,
  primary key (provider, file_hash, person_id),
  unique (provider, file_hash, transaction),
  foreign key (provider, file_hash) references statements
);
create trigger statement_votes_append_only before update or delete on statement_votes
  for each row execute function refuse_change();

create function guard_statement_vote() returns trigger language plpgsql as $$
begin
  new.at := clock_timestamp();
  new.transaction := pg_current_xact_id();
  new.person_id := voter_of(new.key_id);
  if not exists (select from api_keys where id = new.key_id and role = 'operator') then
    raise exception 'key % is not an operator''s', new.key_id using errcode = 'CA005';
  end if;
  return new;
end $$;
create trigger statement_votes_guard before insert on statement_votes for each row execute function guard_statement_vote();

-- Whether two persons have imported it who may decide about this merchant's payouts and are independent of each other.
create function is_statement_agreed(p_provider text, p_file_hash bytea, p_merchant text) returns boolean language sql stable as $$
  with voter as (
    select distinct person_of(person_id) as id from statement_votes where provider = p_provider and file_hash = p_file_hash
  ), able as (
    select id from voter where is_verified(id) and not is_of_merchant(id, p_merchant)
  )
  select exists (select from able one join able other on one.id < other.id where not are_linked(one.id, other.id))
$$;

create function guard_statement_line() returns trigger language plpgsql as $$
declare v_statement statements;
begin
  select * into v_statement from statements where provider = new.provider and file_hash = new.file_hash;
  if v_statement.file_hash is null or new.occurred_at < v_statement.period_from or new.occurred_at >= v_statement.period_to
     or new.occurred_at > clock_timestamp() + interval '5 minutes' then
    raise exception 'line % of %: its time lies outside of its statement', new.line, new.occurred_at using errcode = 'CA005';
  end if;
  return new;
end $$;
create trigger statement_lines_guard before insert on statement_lines for each row execute function guard_statement_line();

-- The source's id is `<first 12 hexadecimal digits of the file's hash>:<line>`.
create function guard_statement_settlement() returns trigger language plpgsql as $$
declare v_merchant text;
begin
  select merchant_id into strict v_merchant from payouts where id = new.payout_id;
  if not exists (
      select from statements where provider = new.provider and account_number = new.account_number
        and left(encode(file_hash, 'hex'), 12) = split_part(new.source_id, ':', 1)
        and period_to > new.created_at - interval '1 hour'
        and is_statement_agreed(provider, file_hash, v_merchant)) then
    raise exception 'submission %: no statement of its account and time that two operators imported settles it', new.id
      using errcode = 'CA004';
  end if;
  return new;
end $$;
create trigger submissions_guard_statement_settlement before insert or update of outcome, source on submissions for each row
  when (new.source = 'statement' and new.outcome = 'settled') execute function guard_statement_settlement();
