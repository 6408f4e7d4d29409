-- What is known of a submission stands on the submission, and a payout's own provider reference is that of the submission that decided
-- it. So far a payout kept the reference of an attempt that had failed while the next one was on its way, so that the old attempt's
-- transaction could prove the new one, and one that was decided to be paid without a transaction carried an empty text.
update payouts set provider_reference = null where provider_reference = '';
update submissions set provider_reference = null where provider_reference = '';
update look_ups set provider_reference = null where provider_reference = '';
alter table payouts add constraint payouts_provider_reference check (provider_reference <> '');
alter table submissions add constraint submissions_provider_reference_named check (provider_reference <> '');
alter table look_ups add constraint look_ups_provider_reference check (provider_reference <> '');

update payouts set provider_reference = (
  select submission.provider_reference from submissions submission
  where submission.payout_id = payouts.id and submission.attempt = payouts.attempt order by submission.call desc limit 1)
where attempt > 1 and provider_reference is not null and finished_at is null;

create function guard_provider_reference() returns trigger language plpgsql as $$
begin
  raise exception 'payout %: a new attempt has no provider reference yet', old.id using errcode = 'CA003';
end $$;
create trigger payouts_guard_provider_reference before update of attempt on payouts for each row
  when (new.attempt > old.attempt and new.finished_at is null and new.provider_reference is not null)
  execute function guard_provider_reference();

-- A provider's transaction proves one submission of an account. Where it stands for two by now, operators look at the later one.
with claimed as (
  select submission.id, submission.payout_id, submission.provider_reference,
    row_number() over (partition by submission.provider, submission.account_number, submission.provider_reference
      order by submission.outcome_at, submission.id) as place
  from submissions submission where submission.outcome = 'settled' and submission.provider_reference is not null
), later as (
  select * from claimed where place > 1
), asked as (
  insert into review_items (id, payout_id, kind, detail)
  select 'rev_' || md5(id), payout_id, 'mismatch', id || ' was paid by ' || provider_reference || ', which paid another submission'
  from later on conflict (payout_id, kind) where closed_at is null do nothing
)
update submissions set provider_reference = null from later where submissions.id = later.id;
create unique index submissions_proof on submissions (provider, account_number, provider_reference)
  where outcome = 'settled' and provider_reference is not null;
