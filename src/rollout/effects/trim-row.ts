/** How effects are asked to delete what is old. */
export interface TrimRow {
  /** What is younger than this stays. */
  readonly keepMs: number;
  /** At most so many rows at once. */
  readonly atMost: number;
}

export interface TrimResult {
  readonly deleted: number;
}
