-- Each vote about a payout is a row of its own, under the voter's own key (rule 19). Whoever writes: a decision takes effect only when two rows of
-- distinct, verified persons stand who are not linked and do not belong to the merchant's side.

create table decision_votes (
  decision_id text not null references decisions,
  key_id text not null references api_keys,
  -- Read from the key.
  person_id text not null references persons,
  at timestamptz not null,
  -- Votes of one transaction are one person's doing.
  transaction xid8 not null,
  primary key (decision_id, person_id),
  unique (decision_id, transaction)
);
create trigger decision_votes_append_only before update or delete on decision_votes
  for each row execute function refuse_change();

create function guard_decision_vote() returns trigger language plpgsql as $$
declare v_decision decisions; v_merchant text;
begin
  select * into strict v_decision from decisions where id = new.decision_id for update;
  if v_decision.confirmed_at is not null or v_decision.withdrawn_at is not null then
    raise exception 'decision %: it is not open', v_decision.id using errcode = 'CA005';
  end if;
  new.at := clock_timestamp();
  new.transaction := pg_current_xact_id();
  new.person_id := voter_of(new.key_id);
  if not exists (select from api_keys where id = new.key_id and role = 'operator') then
    raise exception 'key % is not an operator''s', new.key_id using errcode = 'CA005';
  end if;
  select merchant_id into strict v_merchant from payouts where id = v_decision.payout_id;
  perform assert_operates(new.person_id, v_merchant);
  if not exists (select from decision_votes where decision_id = new.decision_id) then
    if new.person_id <> person_of(v_decision.proposed_by) then
      raise exception 'decision %: the one who proposed it votes first', v_decision.id using errcode = 'CA005';
    end if;
  elsif exists (select from decision_votes where decision_id = new.decision_id and person_of(person_id) = new.person_id) then
    raise exception 'two persons decide: person % has voted about decision %', new.person_id, v_decision.id using errcode = 'CA005';
  elsif exists (select from decision_votes where decision_id = new.decision_id and are_linked(person_of(person_id), new.person_id)) then
    raise exception 'decision %: of its proposer and person %, one invited, verified or merged the other, or issued a key for the other, within 30 days: another operator confirms it',
      v_decision.id, new.person_id using errcode = 'CA005';
  end if;
  return new;
end $$;
create trigger decision_votes_guard before insert on decision_votes for each row execute function guard_decision_vote();

-- The votes are looked at again when the decision takes effect: the persons may have been merged or have joined the merchant since.
create function guard_decision() returns trigger language plpgsql as $$
declare v_persons text[]; v_person text; v_merchant text;
begin
  if tg_op = 'INSERT' then
    if new.confirmed_at is not null or new.confirmed_by is not null or new.withdrawn_at is not null then
      raise exception 'decision %: it begins as a proposal of one person', new.id using errcode = 'CA005';
    end if;
    return new;
  end if;
  if to_jsonb(new) - array['confirmed_by', 'confirmed_at', 'withdrawn_by', 'withdrawn_at']
     is distinct from to_jsonb(old) - array['confirmed_by', 'confirmed_at', 'withdrawn_by', 'withdrawn_at'] then
    raise exception 'decision %: what is proposed never changes', old.id using errcode = 'CA001';
  end if;
  if (old.confirmed_at is not null or old.withdrawn_at is not null) and new is distinct from old then
    raise exception 'decision %: it is closed', old.id using errcode = 'CA001';
  end if;
  if new.confirmed_at is null then return new; end if;
  if new.withdrawn_at is not null then
    raise exception 'decision %: it is withdrawn', old.id using errcode = 'CA005';
  end if;
  select array_agg(distinct person_of(person_id)) into v_persons from decision_votes where decision_id = old.id;
  if coalesce(cardinality(v_persons), 0) <> 2 or not v_persons @> array[person_of(old.proposed_by), person_of(new.confirmed_by)]
     or person_of(old.proposed_by) = person_of(new.confirmed_by) then
    raise exception 'decision %: two persons decide, each by a vote of their own', old.id using errcode = 'CA005';
  end if;
  if are_linked(v_persons[1], v_persons[2]) then
    raise exception 'decision %: its voters are not independent', old.id using errcode = 'CA005';
  end if;
  select merchant_id into strict v_merchant from payouts where id = old.payout_id;
  foreach v_person in array v_persons loop
    perform assert_operates(v_person, v_merchant);
  end loop;
  return new;
end $$;
create trigger decisions_guard before insert or update on decisions for each row execute function guard_decision();
create trigger decisions_kept before delete on decisions for each row execute function refuse_change();
