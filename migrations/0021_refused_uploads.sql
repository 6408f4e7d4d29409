-- What refused uploads leave is bounded per merchant and day. Rows of its report that are kept for a refused bulk.
alter table bulks add column report_rows integer not null default 0;
update bulks set report_rows = report.rows
from (select bulk_id, count(*) as rows from bulk_errors group by bulk_id) report
where report.bulk_id = bulks.id and bulks.state = 'invalid';
create index bulks_refused on bulks (merchant_id, environment, finished_at) include (report_rows) where state = 'invalid';
create index bulks_reported on bulks (finished_at) where state = 'invalid' and report_rows > 0;

-- An upload that was never accepted or refused may be forgotten with its events; every other bulk is kept.
drop trigger bulks_kept on bulks;
create trigger bulks_kept before delete on bulks for each row
  when (old.state <> 'receiving') execute function refuse_change();

drop trigger bulk_events_append_only on bulk_events;
create trigger bulk_events_append_only before update on bulk_events
  for each row execute function refuse_change();
create function keep_bulk_event() returns trigger language plpgsql as $$
begin
  if exists (select 1 from bulks where id = old.bulk_id and state <> 'receiving') then
    raise exception 'bulk_events is append-only' using errcode = 'CA001';
  end if;
  return old;
end $$;
create trigger bulk_events_kept before delete on bulk_events for each row execute function keep_bulk_event();
