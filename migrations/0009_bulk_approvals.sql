-- Approval of large bulks by a second person (rule 19). Whoever writes: nobody approves what he sent, and what waits for an
-- approval does not start without one.

-- A bulk above either (lines, minor units) waits for another person; null: never.
alter table merchants
  add column approval_above_lines integer check (approval_above_lines >= 0),
  add column approval_above_total bigint check (approval_above_total >= 0);

-- That a bulk needs an approval: the thresholds that it is above, and until when it may be decided.
create table bulk_approvals (
  bulk_id text primary key references bulks,
  above_lines integer,
  above_total bigint,
  expires_at timestamptz not null,
  check (above_lines is not null or above_total is not null)
);
create trigger bulk_approvals_append_only before update or delete on bulk_approvals
  for each row execute function refuse_change();

create table bulk_decisions (
  bulk_id text primary key references bulk_approvals,
  verdict text not null check (verdict in ('approved', 'refused')),
  person_id text not null references persons,
  key_id text not null references api_keys,
  -- What the person saw.
  content_hash bytea not null,
  -- Sealed, purpose `bulk-decision`.
  reason_enc bytea,
  decided_at timestamptz not null default clock_timestamp(),
  check (verdict = 'approved' or reason_enc is not null)
);
create trigger bulk_decisions_append_only before update or delete on bulk_decisions
  for each row execute function refuse_change();

create function guard_bulk_decision() returns trigger language plpgsql as $$
declare v_bulk bulks;
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
  if v_bulk.created_by = 'person:' || new.person_id or exists (
      select 1 from api_keys where 'api_key:' || id = v_bulk.created_by and person_id = new.person_id) then
    raise exception 'bulk %: who sent it does not decide about it', v_bulk.id using errcode = 'CA003';
  end if;
  return new;
end $$;
create trigger bulk_decisions_guard before insert on bulk_decisions
  for each row execute function guard_bulk_decision();

create function guard_bulk_approval() returns trigger language plpgsql as $$
begin
  if new.created_by <> old.created_by then
    raise exception 'bulk %: who sent it never changes', old.id using errcode = 'CA001';
  end if;
  if new.state = old.state then return new; end if;
  if new.state = 'awaiting_approval' and not exists (select 1 from bulk_approvals where bulk_id = old.id) then
    raise exception 'bulk %: it is not said which approval it waits for', old.id using errcode = 'CA003';
  end if;
  if old.state = 'ready' and new.state in ('scheduled', 'awaiting_float', 'running') and exists (
      select 1 from merchants where id = old.merchant_id
        and (old.line_count > approval_above_lines or old.total > approval_above_total)) then
    raise exception 'bulk %: it is above a threshold and needs an approval', old.id using errcode = 'CA003';
  end if;
  if old.state = 'awaiting_approval' then
    if new.state in ('scheduled', 'awaiting_float', 'running') and not exists (
        select 1 from bulk_decisions where bulk_id = old.id and verdict = 'approved') then
      raise exception 'bulk %: nobody has approved it', old.id using errcode = 'CA003';
    end if;
    if new.state = 'rejected' and not exists (
        select 1 from bulk_decisions where bulk_id = old.id and verdict = 'refused') and not exists (
        select 1 from bulk_approvals where bulk_id = old.id and expires_at <= now()) then
      raise exception 'bulk %: it is neither refused nor expired', old.id using errcode = 'CA003';
    end if;
  end if;
  return new;
end $$;
create trigger bulks_guard_approval before update on bulks for each row execute function guard_bulk_approval();
