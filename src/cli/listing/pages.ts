/** One page of a listing, as every List method answers. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Empty: this was the last one. */
  readonly nextPageToken: string;
}

export interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}

export interface PagesOptions {
  /** Rows at most; undefined: all. */
  readonly limit?: number | undefined;
  /** Rows of a page. Default: 1,000, the most that a server gives. */
  readonly pageSize?: number;
}

/** Everything that a listing has, a page at a time: the next one is asked for when it is wanted. */
export async function* pages<Row>(
  fetch: (request: PageRequest) => Promise<Page<Row>>,
  { limit = Infinity, pageSize = 1_000 }: PagesOptions = {},
): AsyncGenerator<readonly Row[], void> {
  let pageToken = "";
  let left = limit;
  do {
    const page = await fetch({ pageSize: Math.min(pageSize, left), pageToken });
    const rows = page.rows.slice(0, left);
    left -= rows.length;
    if (rows.length > 0) yield rows;
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && left > 0);
}
