-- Who registered which account's secret, and what came of it: an account that a merchant's verified credential holds is not
-- called by another's registration, and over all merchants one secret of an account is refused in a day without an operator's
-- recorded word.

create table credential_registrations (
  id text primary key,
  provider text not null,
  environment text not null check (environment in ('sandbox', 'live')),
  account_number text not null,
  merchant_id text not null references merchants,
  person_id text not null references persons,
  -- check: one call with the secret; unchecked: the first payout makes it; consent: none, the holder's credential was verified.
  kind text not null check (kind in ('check', 'unchecked', 'consent')),
  fingerprint bytea not null,
  consent text,
  override text,
  registered_at timestamptz not null default clock_timestamp(),
  -- lost: the call may have been a try. Null: under way, never told, or none was made.
  verdict text check (verdict in ('right', 'wrong', 'silent', 'lost')),
  verdict_at timestamptz,
  check ((kind = 'consent') = (consent is not null)),
  check ((verdict is null) = (verdict_at is null))
);
create index credential_registrations_account
  on credential_registrations (provider, environment, account_number, registered_at);

-- Since when a call has passed with its secret: the merchant holds the account. Never of one registered by consent.
alter table credentials add column verified_at timestamptz;
update credentials set verified_at = updated_at where id in (
  select distinct on (credential.provider, credential.environment, credential.account_number) credential.id
  from credentials credential join pin_gates gate on gate.state <> 'unproven'
    and (gate.provider, gate.environment, gate.account_number)
      = (credential.provider, credential.environment, credential.account_number)
  order by credential.provider, credential.environment, credential.account_number, credential.created_at, credential.id);
