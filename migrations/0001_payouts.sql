-- Everything that one payout needs: who asks, what is owed, what was sent, what is known, and the money that it holds.
-- Invariants that money depends on are held here by constraints and triggers, whatever the code above them does.

create table merchants (
  id text primary key,
  name text not null,
  created_at timestamptz not null default now()
);

create table persons (
  id text primary key,
  name text not null,
  created_at timestamptz not null default now()
);

create table api_keys (
  id text primary key,
  prefix text not null,
  hash bytea not null unique,
  role text not null check (role in ('merchant', 'operator')),
  merchant_id text references merchants,
  environment text check (environment in ('sandbox', 'live')),
  person_id text references persons,
  system_id text,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  check ((person_id is null) <> (system_id is null)),
  check ((role = 'merchant') = (merchant_id is not null and environment is not null)),
  check (role = 'merchant' or person_id is not null)
);

-- Vault: data keys wrapped by the master key, and what they seal.

create table data_keys (
  id text primary key,
  merchant_id text not null references merchants,
  master_key_id text not null,
  wrapped bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);
create unique index data_keys_current on data_keys (merchant_id) where retired_at is null;

create table credentials (
  id text primary key,
  merchant_id text not null references merchants,
  environment text not null check (environment in ('sandbox', 'live')),
  provider text not null,
  operator text not null,
  transaction_type text not null check (transaction_type in ('payout')),
  role text not null check (role in ('primary', 'backup')),
  account_number text not null,
  id_type text not null check (id_type in ('MSISDN', 'CODE')),
  secret_enc bytea not null,
  pin_enc bytea not null,
  pin_version integer not null default 1,
  callback_token_hash bytea unique,
  callback_secrets_enc bytea,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index credentials_role on credentials (merchant_id, environment, provider, operator, transaction_type, role);

-- An access token of a credential; version grows with each renewal. `renewing_until` is the lease of the one who renews.
create table provider_tokens (
  credential_id text primary key references credentials,
  version integer not null default 0,
  token_enc bytea,
  expires_at timestamptz,
  renewing_until timestamptz
);

-- The provider's public key as last fetched, per credential, with the same kind of lease.
create table provider_keys (
  credential_id text primary key references credentials,
  key_id text,
  public_key text,
  fetched_at timestamptz,
  renewing_until timestamptz
);

create table pin_ciphertexts (
  credential_id text not null references credentials,
  pin_version integer not null,
  key_id text not null,
  ciphertext_enc bytea not null,
  created_at timestamptz not null default now(),
  primary key (credential_id, pin_version, key_id)
);

-- The credential gate: tries of a PIN belong to the account, whichever credential, balance or health call makes them.
create table pin_gates (
  provider text not null,
  account_number text not null,
  environment text not null,
  pin_fingerprint bytea not null,
  state text not null check (state in ('unproven', 'open', 'blocked', 'pin_unknown')),
  probe text,
  probe_until timestamptz,
  lost_probes integer not null default 0,
  refusals integer not null default 0,
  last_code text,
  updated_at timestamptz not null default now(),
  primary key (provider, environment, account_number)
);

-- PINs that a provider refused, by whatever call: none of them is tried again by us.
create table pin_refusals (
  provider text not null,
  environment text not null,
  account_number text not null,
  pin_fingerprint bytea not null,
  code text,
  refused_at timestamptz not null default clock_timestamp(),
  primary key (provider, environment, account_number, pin_fingerprint)
);

-- A PIN change is written ahead of its call; one without an outcome leaves the gate `pin_unknown`.
create table pin_changes (
  id text primary key,
  credential_id text not null references credentials,
  new_pin_enc bytea not null,
  new_fingerprint bytea not null,
  requested_by text not null references persons,
  requested_at timestamptz not null default now(),
  outcome text check (outcome in ('changed', 'refused', 'wrong_pin', 'unknown')),
  code text,
  finished_at timestamptz
);

-- Payouts.

create table payouts (
  id text primary key,
  merchant_id text not null references merchants,
  environment text not null check (environment in ('sandbox', 'live')),
  owner text not null,
  state text not null,
  version integer not null default 1,
  attempt integer not null default 1,
  hold_no integer not null default 1,
  amount bigint not null check (amount > 0),
  currency text not null,
  method text not null,
  provider text not null,
  credential_id text not null references credentials,
  recipient_msisdn text,
  description text not null,
  customer_enc bytea not null,
  reference text,
  unique_reference text,
  metadata jsonb not null default '{}',
  scheduled_at timestamptz,
  reason text not null,
  retry_at timestamptz,
  deferrals integer not null default 0,
  settle_by timestamptz,
  provider_reference text,
  take_ups integer not null default 0,
  run_id text,
  sweep_after timestamptz not null,
  nudged boolean not null default false,
  watch_until timestamptz,
  next_watch_at timestamptz,
  created_by text not null,
  accepted_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  finished_at timestamptz,
  unique (merchant_id, environment, unique_reference)
);
create index payouts_listing on payouts (merchant_id, environment, accepted_at desc, id desc);
create index payouts_reference on payouts (merchant_id, environment, reference) where reference is not null;
create index payouts_recipient on payouts (merchant_id, environment, recipient_msisdn);
create index payouts_sweep on payouts (sweep_after)
  where state not in ('accepted', 'succeeded', 'failed', 'cancelled', 'returned');
create index payouts_watch on payouts (next_watch_at) where next_watch_at is not null;
create index payouts_credential_open on payouts (credential_id) where state = 'queued';

create table payout_transitions (
  from_state text not null,
  to_state text not null,
  primary key (from_state, to_state)
);
insert into payout_transitions values
  ('accepted', 'queued'), ('accepted', 'cancelled'),
  ('scheduled', 'queued'), ('scheduled', 'cancelled'), ('scheduled', 'in_review'),
  ('queued', 'processing'), ('queued', 'cancelled'), ('queued', 'in_review'),
  ('processing', 'pending'), ('processing', 'succeeded'), ('processing', 'failed'), ('processing', 'unknown'),
  ('processing', 'queued'), ('processing', 'cancelled'), ('processing', 'in_review'),
  ('pending', 'succeeded'), ('pending', 'failed'), ('pending', 'unknown'), ('pending', 'in_review'),
  ('unknown', 'pending'), ('unknown', 'succeeded'), ('unknown', 'failed'), ('unknown', 'in_review'),
  ('unknown', 'processing'), ('unknown', 'queued'),
  ('in_review', 'succeeded'), ('in_review', 'failed'), ('in_review', 'unknown'), ('in_review', 'queued'),
  ('in_review', 'cancelled'),
  ('succeeded', 'returned'), ('succeeded', 'failed'),
  ('failed', 'queued'), ('failed', 'succeeded'),
  ('cancelled', 'succeeded');

create table payout_events (
  payout_id text not null references payouts,
  sequence integer not null,
  from_state text,
  to_state text not null,
  at timestamptz not null default clock_timestamp(),
  actor text not null,
  reason text not null,
  provider_code text,
  provider_text text,
  submission_id text,
  evidence text,
  primary key (payout_id, sequence)
);

-- One attempt to make the provider move money, written before the call. `kind` void: a write that proves that the
-- attempt's call numbers from here on were never used.
create table submissions (
  id text primary key,
  payout_id text not null references payouts,
  attempt integer not null,
  call integer not null check (call between 1 and 9),
  hold_no integer not null,
  kind text not null check (kind in ('call', 'void')),
  provider text not null,
  credential_id text not null references credentials,
  account_number text not null,
  amount bigint not null,
  currency text not null,
  send_by timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  outcome text check (outcome in ('void', 'not_sent', 'accepted', 'settled', 'rejected', 'unknown')),
  rejection text check (rejection in ('final', 'credential', 'provider_float', 'throttled', 'stale_key')),
  reason text,
  provider_reference text,
  provider_code text,
  provider_text text,
  source text check (source in ('answer', 'recovery', 'late_answer', 'lookup', 'statement', 'decision')),
  source_id text,
  ever_unknown boolean not null default false,
  outcome_at timestamptz,
  unique (payout_id, attempt, call),
  check ((kind = 'void') = (outcome is not distinct from 'void')),
  check ((rejection is not null) = (outcome is not distinct from 'rejected'))
);
create index submissions_payout on submissions (payout_id);
create index submissions_provider_reference on submissions (provider, provider_reference) where provider_reference is not null;

create table submission_outcomes (
  id bigint generated always as identity primary key,
  submission_id text not null references submissions,
  from_outcome text,
  to_outcome text not null,
  source text not null,
  source_id text,
  at timestamptz not null default clock_timestamp()
);

-- One complete pass over all rows of a reference at the provider.
create table look_ups (
  id text primary key,
  payout_id text not null references payouts,
  submission_id text not null references submissions,
  verdict text not null check (verdict in ('settled', 'rejected', 'in_flight', 'absent', 'review')),
  provider_reference text,
  rows_seen integer not null,
  at timestamptz not null default clock_timestamp()
);
create index look_ups_submission on look_ups (submission_id, at desc);

create table review_items (
  id text primary key,
  payout_id text not null references payouts,
  kind text not null,
  detail text,
  opened_at timestamptz not null default clock_timestamp(),
  closed_at timestamptz,
  decision_id text
);
create unique index review_items_open on review_items (payout_id, kind) where closed_at is null;

create table decisions (
  id text primary key,
  payout_id text not null references payouts,
  resolution text not null check (resolution in ('paid', 'not_paid', 'keep_looking', 'send_again', 'cancel', 'dismiss')),
  evidence_enc bytea not null,
  provider_reference text,
  payout_version integer not null,
  proposed_by text not null references persons,
  proposed_at timestamptz not null default clock_timestamp(),
  confirmed_by text references persons,
  confirmed_at timestamptz,
  withdrawn_at timestamptz,
  check (confirmed_by is null or confirmed_by <> proposed_by),
  check ((confirmed_by is null) = (confirmed_at is null))
);
create unique index decisions_open on decisions (payout_id) where confirmed_at is null and withdrawn_at is null;

create table stops (
  id text primary key,
  scope text not null check (scope in ('merchant', 'provider', 'payout')),
  target text not null,
  reason text not null,
  stopped_by text not null references persons,
  stopped_at timestamptz not null default clock_timestamp(),
  resumed_by text references persons,
  resumed_at timestamptz
);
create unique index stops_open on stops (scope, target) where resumed_at is null;

create table idempotency_keys (
  merchant_id text not null references merchants,
  environment text not null,
  operation text not null,
  key text not null,
  payout_id text not null references payouts,
  field_hashes jsonb not null,
  answer_enc bytea not null,
  created_at timestamptz not null default now(),
  primary key (merchant_id, environment, operation, key)
);

create table callbacks (
  id text primary key,
  provider text not null,
  credential_id text not null references credentials,
  event_id text not null,
  reference text,
  provider_reference text,
  claim text not null check (claim in ('success', 'failed', 'other')),
  body_enc bytea not null,
  received_at timestamptz not null default clock_timestamp(),
  payout_id text references payouts,
  applied_at timestamptz,
  sweep_after timestamptz not null,
  unique (provider, credential_id, event_id)
);
create index callbacks_open on callbacks (sweep_after) where applied_at is null;

create table statement_lines (
  provider text not null,
  file_hash bytea not null,
  line integer not null,
  reference text not null,
  transaction_id text not null,
  amount bigint not null,
  currency text not null,
  status text not null,
  recipient_hash bytea not null,
  occurred_at timestamptz not null,
  imported_by text not null references persons,
  imported_at timestamptz not null default clock_timestamp(),
  effect text not null,
  primary key (provider, file_hash, line)
);

-- What operators did that is not a change of one payout.
create table operator_events (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  person_id text not null references persons,
  action text not null,
  target text not null,
  detail jsonb not null default '{}'
);

-- Rate of HTTP requests per provider account, leased by workers in blocks.
create table provider_rates (
  provider text not null,
  account_number text not null,
  tokens double precision not null,
  refilled_at timestamptz not null,
  primary key (provider, account_number)
);

-- Webhooks.

create table webhook_endpoints (
  id text primary key,
  merchant_id text not null references merchants,
  environment text not null check (environment in ('sandbox', 'live')),
  url text not null,
  events text[] not null,
  secret_enc bytea not null,
  previous_secret_enc bytea,
  previous_secret_until timestamptz,
  created_at timestamptz not null default now(),
  disabled_at timestamptz
);
create index webhook_endpoints_tenant on webhook_endpoints (merchant_id, environment) where disabled_at is null;

-- One row per event and endpoint. `claimed_until` and `claim_no`: one deliverer at a time.
create table outbox (
  event_id text not null,
  endpoint_id text not null references webhook_endpoints,
  payout_id text not null references payouts,
  type text not null,
  object_version integer not null,
  -- What the payout was at that version and may be otherwise now; no personal data, which is read at delivery.
  snapshot jsonb not null,
  created_at timestamptz not null default clock_timestamp(),
  claim_no integer not null default 0,
  claimed_until timestamptz,
  handed_over_at timestamptz,
  delivered_at timestamptz,
  given_up_at timestamptz,
  sweep_after timestamptz not null default now() + interval '30 seconds',
  primary key (event_id, endpoint_id)
);
create index outbox_payout on outbox (payout_id);
create index outbox_sweep on outbox (sweep_after)
  where delivered_at is null and given_up_at is null;

create table webhook_deliveries (
  id bigint generated always as identity primary key,
  event_id text not null,
  endpoint_id text not null,
  claim_no integer not null,
  at timestamptz not null default clock_timestamp(),
  duration_ms integer not null,
  http_status integer,
  result text not null,
  foreign key (event_id, endpoint_id) references outbox
);
create index webhook_deliveries_event on webhook_deliveries (event_id, endpoint_id);
