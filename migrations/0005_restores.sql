-- A database that went back in time: while a restore is open nothing is sent, decided or cancelled, until what the
-- providers and the engine know is reconciled with what this database still knows.

-- A submission's id follows from payout, attempt and call, so that a provider's row names them. Which activity wrote it
-- is told by this.
alter table submissions add column writer text;

create table restores (
  id text primary key,
  -- Nothing older than this is missing.
  since timestamptz not null,
  started_at timestamptz not null default clock_timestamp(),
  released_at timestamptz,
  report jsonb
);
create unique index restores_open on restores ((released_at is null)) where released_at is null;

-- What the database lost: payouts that a provider or the engine knows and this database does not.
create table strangers (
  id text primary key,
  restore_id text not null references restores,
  found_by text not null check (found_by in ('provider', 'engine')),
  provider text,
  account_number text,
  reference text,
  provider_reference text,
  payout_id text,
  -- Minor units.
  amount bigint,
  currency text,
  status text,
  found_at timestamptz not null default clock_timestamp(),
  check ((found_by = 'provider') = (provider_reference is not null)),
  check (found_by = 'provider' or payout_id is not null)
);
create unique index strangers_provider on strangers (provider, provider_reference) where found_by = 'provider';
create unique index strangers_engine on strangers (payout_id) where found_by = 'engine';
create index strangers_payout on strangers (payout_id);

alter table review_items alter column payout_id drop not null;
alter table review_items add column stranger_id text references strangers;
alter table review_items add check ((payout_id is null) = (stranger_id is not null));
create unique index review_items_stranger on review_items (stranger_id);
