-- A decision names every person who had a hand in it (rule 19), the one who withdrew it too. Those that were withdrawn before
-- name nobody: the check holds for what is written from here on.
alter table decisions add column withdrawn_by text references persons;
alter table decisions add constraint decisions_withdrawn_by_somebody
  check ((withdrawn_by is null) = (withdrawn_at is null)) not valid;
