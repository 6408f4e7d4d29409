-- A line that ends changes `finished_at`, which an index mentioned: each of them was written into every index once more (no HOT, see
-- 0012). Queued payouts with runs of their own have a time to be swept; lines are found by their bulk.
drop index payouts_credential_open;
create index payouts_credential_open on payouts (credential_id) where sweep_after < 'infinity';
