/** Lines that the floor carries: each by a call of its own, or many in one call of the provider's. */
export const FLOOR_KINDS = ['lines', 'native'] as const;
export type FloorKind = (typeof FLOOR_KINDS)[number];

/** What `POST /run` of the floor's process takes; it answers 200 once every webhook was delivered, 500 with a text else. */
export interface FloorRun {
  kind: FloorKind;
  lines: number;
  /** Of the first line: recipients and references are made of it. */
  firstIndex: number;
  /** `lines`: calls under way at once; `native`: calls of the provider's bulk endpoint. */
  limit: number;
  /** Milliseconds from a call to the first look at its result, and from one look to the next. */
  gapMs: number;
  /** One PIN block for all lines instead of one for each: what the product's per-line path does. */
  keepsBlock: boolean;
}
