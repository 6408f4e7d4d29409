-- Lists by a rare state, an amount or an open state are bounded by an index. No index mentions `state` itself: a change of an
-- indexed column is written into every index (no HOT, see 0012), so the ordinary way of a payout, from queued to succeeded, leaves
-- this column null.
alter table payouts add column rare_state text generated always as
  (case when state in ('scheduled', 'unknown', 'in_review', 'failed', 'cancelled', 'returned') then state end) stored;
create index payouts_rare on payouts (rare_state, merchant_id, environment, accepted_at desc, id desc)
  where rare_state is not null;
create index payouts_rare_of_bulk on payouts (bulk_id, rare_state, bulk_line)
  where rare_state is not null and bulk_id is not null;
-- Payouts with runs of their own that are not final.
create index payouts_open on payouts (merchant_id, environment, accepted_at desc, id desc) where sweep_after < 'infinity';
create index payouts_amount on payouts (merchant_id, environment, amount, accepted_at desc);

create index bulks_open on bulks (merchant_id, environment, received_at desc, id desc)
  where state not in ('invalid', 'completed', 'rejected', 'cancelled');
create index outbox_of_bulk on outbox (bulk_id) where payout_id is null;
