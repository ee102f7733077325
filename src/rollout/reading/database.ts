import type pg from "pg";

/** What a reader needs of a pool or a connection. */
export interface Database {
  query<R extends pg.QueryResultRow>(config: pg.QueryConfig): Promise<pg.QueryResult<R>>;
}

/** Runs one statement and hands back its rows. */
export async function rowsOf<R extends pg.QueryResultRow>(
  database: Database,
  text: string,
  values: unknown[] = [],
): Promise<R[]> {
  return (await database.query<R>({ text, values })).rows;
}
