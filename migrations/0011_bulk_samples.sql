-- How fast a bulk goes: how many of its lines were at rest, at most every 5 seconds and for two minutes back. Whoever folds
-- its moves writes it; the lines themselves are never counted.

create table bulk_samples (
  bulk_id text not null references bulks,
  -- A ring: the oldest sample gives its place to the next.
  slot integer not null,
  at timestamptz not null,
  resting integer not null,
  primary key (bulk_id, slot)
);

create function bulk_lines_at_rest(p_bulk_id text) returns integer language sql stable as $$
  select coalesce(sum(lines), 0)::integer from (
    select state, lines from bulk_counts where bulk_id = p_bulk_id
    union all select from_state, -1 from bulk_moves where bulk_id = p_bulk_id
    union all select to_state, 1 from bulk_moves where bulk_id = p_bulk_id
  ) change where state in ('succeeded', 'failed', 'cancelled', 'returned', 'in_review')
$$;

create function sample_bulk(p_bulk_id text) returns void language sql as $$
  insert into bulk_samples
  select p_bulk_id, floor(extract(epoch from clock_timestamp()) / 5)::bigint % 24, clock_timestamp(),
    bulk_lines_at_rest(p_bulk_id)
  where not exists (
    select from bulk_samples where bulk_id = p_bulk_id and at > clock_timestamp() - interval '5 seconds')
  on conflict (bulk_id, slot) do update set at = excluded.at, resting = excluded.resting
$$;

create or replace function fold_bulk_moves(p_bulk_id text) returns void language plpgsql as $$
begin
  -- Chunks fold beside each other: who comes second leaves it to the first.
  if not pg_try_advisory_xact_lock(hashtextextended('fold_bulk_moves/' || p_bulk_id, 0)) then return; end if;
  with moved as (
    delete from bulk_moves where bulk_id = p_bulk_id returning from_state, to_state, amount
  ), sums as (
    select state, sum(lines)::integer as lines, sum(amount)::bigint as amount from (
      select from_state as state, -1 as lines, -amount as amount from moved
      union all select to_state, 1, amount from moved
    ) change group by state
  )
  insert into bulk_counts select p_bulk_id, state, lines, amount from sums order by state
  on conflict (bulk_id, state) do update
    set lines = bulk_counts.lines + excluded.lines, amount = bulk_counts.amount + excluded.amount;
  perform sample_bulk(p_bulk_id);
end $$;

-- What was sampled before a pause, or before failed lines were taken back, says nothing of how fast it goes now.
create function restart_bulk_samples() returns trigger language plpgsql as $$
begin
  delete from bulk_samples where bulk_id = new.id;
  if new.state = 'running' then perform sample_bulk(new.id); end if;
  return null;
end $$;
create trigger bulks_restart_samples after update of state on bulks for each row
  when (new.state <> old.state and new.state in ('running', 'completed', 'cancelled'))
  execute function restart_bulk_samples();
