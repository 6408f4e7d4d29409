const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/;

/** Milliseconds since 1970; a time without a zone is taken as UTC, which is Senegal's own. Undefined: no date-time, or no day of the calendar. */
export function parseDateTime(value: string): number | undefined {
  const [whole, year, month, day, , , zone] = DATE_TIME.exec(value) ?? [];
  if (whole === undefined) return undefined;
  const at = Date.parse(zone === undefined ? `${whole}Z` : whole);
  // Date.parse takes 30 February for a day in March.
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return Number.isNaN(at) || Number(day) > lastDay ? undefined : at;
}
