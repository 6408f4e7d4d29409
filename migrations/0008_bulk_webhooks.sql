-- What bulks and their lines tell: events of a line carry its bulk, so that what is left of them is delivered together, and
-- a bulk has events of its own.

alter table outbox
  alter column payout_id drop not null,
  add column bulk_id text references bulks,
  add constraint outbox_object check (payout_id is not null or bulk_id is not null);
update outbox set bulk_id = payouts.bulk_id from payouts where payouts.id = outbox.payout_id and payouts.bulk_id is not null;
create index outbox_bulk on outbox (bulk_id, endpoint_id, created_at)
  where bulk_id is not null and delivered_at is null and given_up_at is null;

-- Who delivers what is left: a workflow for each bulk and endpoint, looked after until the time named here.
create table bulk_drains (
  bulk_id text not null references bulks,
  endpoint_id text not null references webhook_endpoints,
  sweep_after timestamptz not null,
  primary key (bulk_id, endpoint_id)
);
