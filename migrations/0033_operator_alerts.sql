-- What the operator of the installation must hear of: each condition once for as long as it lasts, as an event to the operator's
-- own endpoints, which are delivered as merchants' webhooks are.

-- The tenant that the operator's endpoints and their secrets belong to. No key opens it.
insert into merchants (id, name) values ('operator', 'The operator of this installation');
alter table api_keys add constraint api_keys_not_the_operators check (merchant_id is distinct from 'operator');

create table operator_alerts (
  id text primary key,
  kind text not null check (kind in
    ('credential_gate.blocked', 'review.opened', 'float.low', 'late_checks.overdue', 'restore.opened')),
  -- What it is about: the same condition has the same subject.
  subject text not null,
  -- What is told of it; ids and closed words, no number of an account or a person.
  detail jsonb not null,
  raised_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz
);
create unique index operator_alerts_open on operator_alerts (kind, subject) where ended_at is null;

alter table outbox
  add column alert_id text references operator_alerts,
  drop constraint outbox_object,
  add constraint outbox_object check (payout_id is not null or bulk_id is not null or alert_id is not null);

-- Below how much available float of a merchant the operator is told.
create table float_alerts (
  merchant_id text not null references merchants,
  environment text not null check (environment in ('sandbox', 'live')),
  currency text not null,
  -- Minor units.
  below bigint not null check (below > 0),
  primary key (merchant_id, environment, currency)
);
