-- What no code path may do, whoever writes it: skip a transition, call failed what may have been paid, rewrite history.

create function guard_payout() returns trigger language plpgsql as $$
begin
  if (new.id, new.merchant_id, new.environment, new.amount, new.currency, new.method, new.recipient_msisdn)
     is distinct from
     (old.id, old.merchant_id, old.environment, old.amount, old.currency, old.method, old.recipient_msisdn) then
    raise exception 'payout %: what is owed to whom never changes', old.id using errcode = 'CA001';
  end if;
  if new.attempt < old.attempt or new.hold_no < old.hold_no or new.version < old.version then
    raise exception 'payout %: numbers only grow', old.id using errcode = 'CA001';
  end if;
  if new.state <> old.state then
    if not exists (select 1 from payout_transitions where from_state = old.state and to_state = new.state) then
      raise exception 'payout %: % may not go to %', old.id, old.state, new.state using errcode = 'CA003';
    end if;
    if new.version <> old.version + 1 then
      raise exception 'payout %: a change of state is one version', old.id using errcode = 'CA003';
    end if;
    if (old.state = 'in_review'
        or (old.state, new.state) in (('succeeded', 'failed'), ('failed', 'succeeded'), ('cancelled', 'succeeded')))
       and not exists (select 1 from decisions
         where payout_id = old.id and payout_version = old.version and confirmed_by is not null) then
      raise exception 'payout %: % goes to % only by a decision of two persons', old.id, old.state, new.state
        using errcode = 'CA003';
    end if;
    if new.state in ('failed', 'cancelled') and has_unproven_submission(old.id) then
      raise exception 'payout %: % refused, a submission is not proven unpaid', old.id, new.state using errcode = 'CA409';
    end if;
    if new.state = 'queued' and old.state not in ('accepted', 'scheduled') then
      if has_unproven_submission(old.id) then
        raise exception 'payout %: queued refused, a submission is not proven unpaid', old.id using errcode = 'CA409';
      end if;
      if new.attempt <> old.attempt + 1 then
        raise exception 'payout %: going back to queued takes a new attempt', old.id using errcode = 'CA003';
      end if;
    end if;
    if new.state = 'succeeded' and old.state in ('processing', 'pending', 'unknown') and not exists (
      select 1 from submissions where payout_id = old.id and outcome = 'settled') then
      raise exception 'payout %: succeeded refused, no submission is settled', old.id using errcode = 'CA409';
    end if;
  end if;
  return new;
end $$;
create trigger payouts_guard before update on payouts for each row execute function guard_payout();

create function guard_submission() returns trigger language plpgsql as $$
begin
  if (new.id, new.payout_id, new.attempt, new.call, new.kind, new.amount, new.credential_id)
     is distinct from (old.id, old.payout_id, old.attempt, old.call, old.kind, old.amount, old.credential_id) then
    raise exception 'submission %: what was sent never changes', old.id using errcode = 'CA001';
  end if;
  if new.outcome is not distinct from old.outcome then
    if (new.rejection, new.source, new.source_id, new.ever_unknown)
       is distinct from (old.rejection, old.source, old.source_id, old.ever_unknown) then
      raise exception 'submission %: how it came to be known never changes', old.id using errcode = 'CA004';
    end if;
  else
    if new.source is null then
      raise exception 'submission %: an outcome needs its source', old.id using errcode = 'CA004';
    end if;
    if new.outcome is null or new.outcome = 'void' then
      raise exception 'submission %: what is known is not forgotten', old.id using errcode = 'CA004';
    end if;
    if new.source = 'decision' then
      if new.outcome not in ('settled', 'rejected') or not exists (select 1 from decisions
          where id = new.source_id and payout_id = old.payout_id and confirmed_by is not null) then
        raise exception 'submission %: no confirmed decision says %', old.id, new.outcome using errcode = 'CA004';
      end if;
    elsif old.outcome in ('settled', 'rejected', 'not_sent', 'void')
       or (old.outcome = 'accepted' and new.outcome in ('unknown', 'not_sent'))
       or (old.outcome = 'unknown' and new.outcome = 'not_sent' and new.source <> 'late_answer')
       or (new.source = 'recovery' and new.outcome <> 'unknown') then
      raise exception 'submission %: % may not become % by %', old.id, old.outcome, new.outcome, new.source
        using errcode = 'CA004';
    end if;
    if new.source = 'lookup' and not exists (
      select 1 from look_ups where id = new.source_id and submission_id = old.id) then
      raise exception 'submission %: % is no look-up of it', old.id, new.source_id using errcode = 'CA004';
    end if;
    if (old.ever_unknown or old.outcome = 'unknown') and (new.source not in ('late_answer', 'lookup', 'statement', 'decision')
       or new.source_id is null) then
      raise exception 'submission %: one that was unknown learns only by a look-up, a statement, a late answer or a decision', old.id
        using errcode = 'CA004';
    end if;
    new.ever_unknown := old.ever_unknown or new.outcome = 'unknown';
    new.outcome_at := clock_timestamp();
    insert into submission_outcomes (submission_id, from_outcome, to_outcome, source, source_id)
      values (old.id, old.outcome, new.outcome, new.source, new.source_id);
  end if;
  return new;
end $$;
create trigger submissions_guard before update on submissions for each row execute function guard_submission();

create trigger payout_events_append_only before update or delete on payout_events
  for each row execute function refuse_change();
create trigger submission_outcomes_append_only before update or delete on submission_outcomes
  for each row execute function refuse_change();
create trigger submissions_kept before delete on submissions for each row execute function refuse_change();
create trigger payouts_kept before delete on payouts for each row execute function refuse_change();
create trigger idempotency_keys_append_only before update or delete on idempotency_keys
  for each row execute function refuse_change();
create trigger statement_lines_append_only before update or delete on statement_lines
  for each row execute function refuse_change();
create trigger operator_events_append_only before update or delete on operator_events
  for each row execute function refuse_change();
