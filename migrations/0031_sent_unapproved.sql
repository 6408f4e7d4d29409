-- A merchant's thresholds count what one person sent within a window without another one's approval (rule 19): bulks, single payouts, and what
-- an operator returned. A key of a system counts as the person responsible for it. Whoever writes: what would pass a threshold is refused.

alter table merchants add column approval_window interval not null default '24 hours' check (approval_window >= '0');

-- By minute, and only where the merchant has a threshold.
create table sent_unapproved (
  merchant_id text not null references merchants,
  environment text not null,
  sender text not null,
  minute timestamptz not null,
  currency text not null,
  lines bigint not null,
  total bigint not null,
  primary key (merchant_id, environment, sender, minute, currency)
);

-- An old key of a system, which names nobody, counts as itself.
create function counted_sender(p_created_by text) returns text language sql stable as $$
  select coalesce(sender_of(p_created_by), p_created_by)
$$;

-- What the sender sent within the merchant's window: lines of all currencies, the sum of one.
create function sent_in_window(p_merchant text, p_environment text, p_created_by text, p_currency text)
returns table (lines bigint, total bigint) language sql stable as $$
  select coalesce(sum(sent.lines), 0)::bigint, coalesce(sum(sent.total) filter (where currency = p_currency), 0)::bigint
  from sent_unapproved sent join merchants on merchants.id = merchant_id
  where merchant_id = p_merchant and environment = p_environment and sender = counted_sender(p_created_by)
    and approval_window > '0' and minute > clock_timestamp() - approval_window - interval '1 minute'
$$;

-- Those of one merchant come one after another: of two at once that together pass a threshold, one passes.
create function lock_sent(p_merchant text, p_environment text) returns void language sql as $$
  select pg_advisory_xact_lock(hashtextextended('sent_unapproved/' || p_merchant || '/' || p_environment, 0))
$$;

-- Counts what is sent without an approval. False, and nothing is counted, where it would pass a threshold.
create function count_sent(p_merchant text, p_environment text, p_created_by text, p_currency text, p_lines bigint, p_total bigint)
returns boolean language plpgsql as $$
declare v_merchant merchants; v_before record;
begin
  select * into strict v_merchant from merchants where id = p_merchant;
  if v_merchant.approval_above_lines is null and v_merchant.approval_above_total is null then return true; end if;
  perform lock_sent(p_merchant, p_environment);
  select * into strict v_before from sent_in_window(p_merchant, p_environment, p_created_by, p_currency);
  if v_before.lines + p_lines > v_merchant.approval_above_lines or v_before.total + p_total > v_merchant.approval_above_total then
    return false;
  end if;
  insert into sent_unapproved
    values (p_merchant, p_environment, counted_sender(p_created_by), date_trunc('minute', clock_timestamp()), p_currency, p_lines, p_total)
    on conflict (merchant_id, environment, sender, minute, currency)
    do update set lines = sent_unapproved.lines + excluded.lines, total = sent_unapproved.total + excluded.total;
  return true;
end $$;

-- Before the holds, which lock the merchant's accounts until the commit.
create function count_single_payout() returns trigger language plpgsql as $$
begin
  if not count_sent(new.merchant_id, new.environment, new.created_by, new.currency, 1, new.amount) then
    raise exception 'payout %: with what its sender sent before, it is above a threshold', new.id using errcode = 'CA403';
  end if;
  return new;
end $$;
create trigger payouts_count_single before insert on payouts for each row when (new.bulk_id is null)
  execute function count_single_payout();

-- An operator's returns give the merchant float to send again: they count like what is sent.
create function count_return(p_person text, p_payout text) returns void language plpgsql as $$
declare v_payout payouts;
begin
  select * into strict v_payout from payouts where id = p_payout;
  if not count_sent(v_payout.merchant_id, v_payout.environment, 'person:' || p_person, v_payout.currency, 1, v_payout.amount) then
    raise exception 'payout %: with what person % returned before, it is above a threshold of its merchant: two operators decide, with `resolve propose % --as not_paid`',
      p_payout, p_person, p_payout using errcode = 'CA005';
  end if;
end $$;

-- As in 0009; a bulk that goes on without an approval is counted, and refused where its sender passes a threshold with it.
create or replace function guard_bulk_approval() returns trigger language plpgsql as $$
begin
  if new.created_by <> old.created_by then
    raise exception 'bulk %: who sent it never changes', old.id using errcode = 'CA001';
  end if;
  if new.state = old.state then return new; end if;
  if new.state = 'awaiting_approval' and not exists (select 1 from bulk_approvals where bulk_id = old.id) then
    raise exception 'bulk %: it is not said which approval it waits for', old.id using errcode = 'CA003';
  end if;
  if old.state = 'ready' and new.state in ('scheduled', 'awaiting_float', 'running')
     and not count_sent(old.merchant_id, old.environment, old.created_by, coalesce(old.currency, ''), old.line_count, old.total) then
    raise exception 'bulk %: with what its sender sent before, it is above a threshold and needs an approval', old.id using errcode = 'CA003';
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
