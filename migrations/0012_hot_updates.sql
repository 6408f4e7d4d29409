-- A payout changes its state four times within a minute. PostgreSQL leaves all indexes alone where no column that changed is
-- mentioned in any of them, predicates included, and the page has room (HOT): so no index mentions the state, and pages keep room.

-- Nobody looks after a final payout: `sweep_after` says so itself.
update payouts set sweep_after = 'infinity' where state in ('succeeded', 'failed', 'cancelled', 'returned') and sweep_after < 'infinity';
drop index payouts_sweep;
create index payouts_sweep on payouts (sweep_after) where sweep_after < 'infinity';

drop index payouts_credential_open;
create index payouts_credential_open on payouts (credential_id) where finished_at is null;

alter table payouts set (fillfactor = 50);
alter table submissions set (fillfactor = 70);
