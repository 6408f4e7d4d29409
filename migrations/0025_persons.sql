-- One row per human (rule 19), whatever keys and sides that human has. Who is verified, merged or was given a key is what other persons did,
-- each under a key of their own: `person_acts`. Whoever writes: an unverified person votes about nothing.

alter table persons add column merged_into text references persons check (merged_into <> id);

-- The person who answers for what a system's key sends. Never changed: who sent something is not somebody else later.
alter table api_keys add column responsible_person_id text references persons;

create table person_acts (
  id bigint generated always as identity primary key,
  person_id text not null references persons,
  act text not null check (act in
    ('break_glass', 'invited', 'documented', 'verified', 'merge_proposed', 'merged', 'key_issued')),
  -- The document by its reference, never its content.
  document text,
  into_person text references persons,
  -- Who did it, read from the key. Null for `break_glass` alone.
  key_id text references api_keys,
  by_person text references persons,
  at timestamptz not null,
  check ((act in ('break_glass', 'documented', 'verified')) = (document is not null)),
  check ((act in ('merge_proposed', 'merged')) = (into_person is not null)),
  check ((act = 'break_glass') = (by_person is null) and (key_id is null) = (by_person is null))
);
create index person_acts_person on person_acts (person_id);
create index person_acts_by on person_acts (by_person);
create trigger person_acts_append_only before update or delete on person_acts for each row execute function refuse_change();

-- The human behind a row: itself, or the one that it was merged into.
create function person_of(p_person text) returns text language sql stable as $$
  select coalesce(merged_into, id) from persons where id = p_person
$$;

create function is_verified(p_person text) returns boolean language sql stable as $$
  select exists (select from persons where id = p_person and merged_into is null)
    and exists (select from person_acts where person_id = p_person and act in ('break_glass', 'verified'))
$$;

-- Whether one of two invited, verified or merged the other, or gave out a key in the other's name, within 30 days: neither is the other vote then.
create function are_linked(p_one text, p_other text) returns boolean language sql stable as $$
  select exists (
    select from person_acts where by_person is not null and at > clock_timestamp() - interval '30 days'
      and ((person_of(person_id) = p_one and person_of(by_person) = p_other)
        or (person_of(person_id) = p_other and person_of(by_person) = p_one)))
$$;

-- Whether a person belongs to a merchant's side: by a key, or as the one responsible for a system's key, also one revoked within 30 days.
create function is_of_merchant(p_person text, p_merchant text) returns boolean language sql stable as $$
  select exists (
    select from api_keys where merchant_id = p_merchant
      and (revoked_at is null or revoked_at > clock_timestamp() - interval '30 days')
      and person_of(coalesce(person_id, responsible_person_id)) = p_person)
$$;

-- The verified person behind a key that was not revoked; a revocation that commits first wins. CA005 where there is none.
create function voter_of(p_key text) returns text language plpgsql as $$
declare v_person text;
begin
  select person_of(person_id) into v_person from api_keys where id = p_key and person_id is not null and revoked_at is null for share;
  if v_person is null then
    raise exception 'key % is revoked, or is not a person''s', p_key using errcode = 'CA005';
  end if;
  if not is_verified(v_person) then
    raise exception 'person % is not verified: two operators verify a person with `ops person verify`', v_person using errcode = 'CA005';
  end if;
  return v_person;
end $$;

-- Refuses (CA005) a person who may not act for the operator on this merchant: unverified, or of the merchant's side.
create function assert_operates(p_person text, p_merchant text) returns void language plpgsql as $$
begin
  if not is_verified(person_of(p_person)) then
    raise exception 'person % is not verified: two operators verify a person with `ops person verify`', p_person using errcode = 'CA005';
  end if;
  if is_of_merchant(person_of(p_person), p_merchant) then
    raise exception 'person % belongs to merchant % and does not act on it for the operator: have another operator do it', p_person, p_merchant
      using errcode = 'CA005';
  end if;
end $$;

-- Who sent something: the person, or the one responsible for the key. Null for an old key of a system that names nobody.
create function sender_of(p_created_by text) returns text language sql stable as $$
  select case
    when p_created_by like 'person:%' then person_of(substr(p_created_by, 8))
    when p_created_by like 'api_key:%' then (
      select person_of(coalesce(person_id, responsible_person_id)) from api_keys where id = substr(p_created_by, 9))
  end
$$;

create function guard_person_act() returns trigger language plpgsql as $$
begin
  -- One after another: two break-glass commands at once make no third operator, two merges no ring.
  perform pg_advisory_xact_lock(hashtextextended('person_acts', 0));
  new.at := clock_timestamp();
  if new.act = 'break_glass' then
    if (select count(*) from person_acts where act = 'break_glass') >= 2
       or exists (select from person_acts where act = 'break_glass' and person_id = new.person_id) then
      raise exception 'the first two operators exist: they add others with `ops person add`' using errcode = 'CA005';
    end if;
    return new;
  end if;
  new.by_person := voter_of(new.key_id);
  if not exists (select from api_keys where id = new.key_id and role = 'operator') then
    raise exception 'key % is not an operator''s', new.key_id using errcode = 'CA005';
  end if;
  if new.act in ('documented', 'verified') and person_of(new.person_id) = new.by_person then
    raise exception 'nobody verifies oneself' using errcode = 'CA005';
  end if;
  if new.act = 'verified' and not exists (
      select from person_acts where person_id = new.person_id and act = 'documented' and document = new.document
        and person_of(by_person) <> new.by_person) then
    raise exception 'no other operator has recorded document % of person %', new.document, new.person_id using errcode = 'CA005';
  end if;
  if new.act in ('merge_proposed', 'merged') then
    if exists (select from persons where id in (new.person_id, new.into_person) and merged_into is not null)
       or new.person_id = new.into_person then
      raise exception 'a person is merged once, into another one that was not merged' using errcode = 'CA005';
    end if;
  end if;
  if new.act = 'merged' and not exists (
      select from person_acts where person_id = new.person_id and into_person = new.into_person and act = 'merge_proposed'
        and person_of(by_person) <> new.by_person) then
    raise exception 'no other operator has proposed to merge person % into %', new.person_id, new.into_person using errcode = 'CA005';
  end if;
  return new;
end $$;
create trigger person_acts_guard before insert on person_acts for each row execute function guard_person_act();

create function apply_person_act() returns trigger language plpgsql as $$
begin
  update persons set merged_into = new.into_person where id = new.person_id or merged_into = new.person_id;
  return null;
end $$;
create trigger person_acts_apply after insert on person_acts for each row when (new.act = 'merged')
  execute function apply_person_act();

create function guard_person() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.merged_into is not null then
      raise exception 'a new person is merged into nobody' using errcode = 'CA001';
    end if;
  elsif new.id <> old.id then
    raise exception 'person %: an id never changes', old.id using errcode = 'CA001';
  elsif new.merged_into is distinct from old.merged_into and not exists (
      select from person_acts where act = 'merged' and into_person = new.merged_into
        and person_id in (old.id, old.merged_into)) then
    raise exception 'person %: two operators merge persons, and nobody splits them', old.id using errcode = 'CA001';
  end if;
  return new;
end $$;
create trigger persons_guard before insert or update on persons for each row execute function guard_person();
create trigger persons_kept before delete on persons for each row execute function refuse_change();

create function guard_api_key() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.system_id is not null and new.responsible_person_id is null then
      raise exception 'key %: a system''s key names the person responsible for it', new.id using errcode = '23514';
    end if;
    if new.system_id is null and new.responsible_person_id is not null then
      raise exception 'key %: a person''s own key names no other person', new.id using errcode = '23514';
    end if;
    return new;
  end if;
  if (new.id, new.hash, new.role, new.merchant_id, new.environment, new.person_id, new.system_id)
     is distinct from (old.id, old.hash, old.role, old.merchant_id, old.environment, old.person_id, old.system_id)
     or (old.responsible_person_id is not null and new.responsible_person_id is distinct from old.responsible_person_id) then
    raise exception 'key %: whose it is never changes: issue a new one', old.id using errcode = 'CA001';
  end if;
  return new;
end $$;
create trigger api_keys_guard before insert or update on api_keys for each row execute function guard_api_key();

-- As in 0009, and: the person who decides is verified, is not the one responsible for the key that sent the bulk, and is not linked to the sender.
create or replace function guard_bulk_decision() returns trigger language plpgsql as $$
declare v_bulk bulks; v_voter text; v_sender text;
begin
  select * into strict v_bulk from bulks where id = new.bulk_id for no key update;
  if v_bulk.state <> 'awaiting_approval' then
    raise exception 'bulk %: nothing is to be decided in state %', v_bulk.id, v_bulk.state using errcode = 'CA003';
  end if;
  if exists (select 1 from bulk_approvals where bulk_id = v_bulk.id and expires_at <= now()) then
    raise exception 'bulk %: the time to decide is over', v_bulk.id using errcode = 'CA003';
  end if;
  if new.content_hash is distinct from v_bulk.content_hash then
    raise exception 'bulk %: the decision is about another content', v_bulk.id using errcode = 'CA003';
  end if;
  if not exists (select 1 from api_keys where id = new.key_id and role = 'merchant' and person_id = new.person_id
      and merchant_id = v_bulk.merchant_id and environment = v_bulk.environment) then
    raise exception 'bulk %: % is no key of this person for its merchant', v_bulk.id, new.key_id using errcode = 'CA003';
  end if;
  v_voter := voter_of(new.key_id);
  v_sender := sender_of(v_bulk.created_by);
  if v_sender is null then
    raise exception 'bulk %: the key that sent it names no responsible person', v_bulk.id using errcode = 'CA003';
  end if;
  if v_sender = v_voter then
    raise exception 'bulk %: who sent it does not decide about it', v_bulk.id using errcode = 'CA003';
  end if;
  if are_linked(v_sender, v_voter) then
    raise exception 'bulk %: of its sender and person %, one invited, verified or merged the other within 30 days', v_bulk.id, v_voter
      using errcode = 'CA005';
  end if;
  return new;
end $$;
