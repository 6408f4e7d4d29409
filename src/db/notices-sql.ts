/**
 * Outbox rows of moved payouts, one for each endpoint that wants the event; a line's only where its bulk tells of each.
 * `moved`: the name of a relation with the payouts' columns and `event_type`, null where there is no event.
 */
export function noticesSql(moved: string): string {
  return `
  insert into outbox (event_id, endpoint_id, payout_id, bulk_id, type, object_version, snapshot)
  -- After a restore versions come a second time; the events of the lost time keep their ids.
  select 'evt_' || substr(moved.id, 4) || '_' || moved.version
      || (select case count(*) when 0 then '' else '_r' || count(*) end from restores), endpoint.id, moved.id,
    moved.bulk_id, moved.event_type, moved.version,
    jsonb_build_object(
      'state', moved.state, 'reason', moved.reason, 'version', moved.version, 'attempt', moved.attempt,
      'provider_reference', moved.provider_reference,
      'description', moved.description, 'metadata', moved.metadata,
      'settle_by', to_char(moved.settle_by at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'retry_at', to_char(moved.retry_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'updated_at', to_char(moved.updated_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'finished_at', to_char(moved.finished_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
  from ${moved} as moved join webhook_endpoints endpoint
    on endpoint.merchant_id = moved.merchant_id and endpoint.environment = moved.environment
   and endpoint.disabled_at is null and moved.event_type = any (endpoint.events)
   and (moved.bulk_id is null or exists (select from bulks where id = moved.bulk_id and notify = 'each'))`;
}
