-- Payouts that are accepted together are held together: each hold booked its entry alone, and every entry locked and wrote both
-- accounts of the float once more.

-- As apply_ledger_entry, for all entries of a statement: each account is written once.
create function apply_ledger_entries() returns trigger language plpgsql as $$
begin
  -- All accounts of the floats, in one order: no two transactions wait for each other in a ring. No stronger lock than the
  -- balance needs: the foreign keys of this very insert share-lock the accounts already, in everybody's transaction.
  perform 1 from ledger_accounts account
    where (account.merchant_id, account.environment, account.currency) in (
      select source.merchant_id, source.environment, source.currency
      from entries join ledger_accounts source on source.id = entries.from_account)
    order by account.id for no key update of account;
  if exists (
    select from entries
      join ledger_accounts source on source.id = entries.from_account
      join ledger_accounts target on target.id = entries.to_account
    where (source.merchant_id, source.environment, source.currency)
      is distinct from (target.merchant_id, target.environment, target.currency)) then
    raise exception 'an entry stays within one merchant, environment and currency' using errcode = 'CA001';
  end if;
  update ledger_accounts account set balance = account.balance + change.amount, updated_at = now()
  from (
    select id, sum(amount)::bigint as amount from (
      select from_account as id, -amount as amount from entries union all select to_account, amount from entries
    ) moved group by id
  ) change where account.id = change.id;
  return null;
end $$;
drop trigger ledger_entries_apply on ledger_entries;
create trigger ledger_entries_apply after insert on ledger_entries referencing new table as entries
  for each statement execute function apply_ledger_entries();
drop function apply_ledger_entry();

-- Takes the amounts of payouts from their available float, each under its present (owner, hold number), all or none; returns
-- their ids. CA402: too little float.
create function open_holds(p_payout_ids text[]) returns setof text language plpgsql as $$
begin
  with floats as materialized (
    select merchant_id, environment, currency, ledger_account(merchant_id, environment, currency, 'available') as available,
      ledger_account(merchant_id, environment, currency, 'held') as held
    from (select distinct merchant_id, environment, currency from payouts where id = any (p_payout_ids)) as asked
  ), opened as (
    insert into holds (owner, hold_no, payout_id, account_id, amount)
    select owner, hold_no, id, held, amount from payouts join floats using (merchant_id, environment, currency)
    where id = any (p_payout_ids)
    returning owner, hold_no, payout_id, account_id, amount
  )
  insert into ledger_entries (kind, from_account, to_account, amount, owner, hold_no, payout_id, cause)
  select 'hold', available, held, amount, owner, hold_no, payout_id, owner || '#' || hold_no
  from opened join floats on held = account_id;
  return query select unnest(p_payout_ids);
exception when check_violation then
  raise exception 'insufficient float' using errcode = 'CA402';
end $$;

create or replace function open_hold(p_payout_id text) returns void language sql as $$
  select open_holds(array[p_payout_id])
$$;
