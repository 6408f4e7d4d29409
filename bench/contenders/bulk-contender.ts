/** Somebody who carries many lines as one piece of work, measured beside others on the same servers. */
export interface BulkContender {
  name: string;
  /** What it is, in one line for the report. */
  what: string;
  /** Makes it ready to run, warmed up. */
  open(): Promise<BulkSession>;
}

export interface BulkSession {
  /** Processes of its own by name, beside the servers that all share. */
  pids: Readonly<Record<string, number>>;
  /** Events of the inbox that belong to a run, and how many of them end one of so many lines. */
  events: readonly string[];
  eventsOf(lines: number): number;
  /** Begins to carry so many lines; its end is told by the inbox. @throws Error where it cannot. */
  run(lines: number): Promise<void>;
  close(): Promise<void>;
}
