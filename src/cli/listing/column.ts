/** One column of a listing. */
export interface Column<Row> {
  readonly title: string;
  /** As text; what a terminal would act on is taken out later. */
  readonly value: (row: Row) => string;
  /** Numbers stand on the right. Default: left. */
  readonly align?: "left" | "right";
  /** Columns of the terminal below which its values say nothing; it may be cut down to that. Default: never cut. */
  readonly least?: number;
  /** Where a value that is too wide is cut. Default: its end. Of an image, the end tells most. */
  readonly cut?: "start" | "end";
  /** Where there is no room the columns with the highest rank are left out first. Default: 0, never. */
  readonly rank?: number;
}
