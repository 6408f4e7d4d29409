/** The time that is this long away by the workflow's own clock, which a replay repeats; ISO 8601 in UTC. */
export function timeIn(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}
