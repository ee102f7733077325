import { Code, ConnectError } from "@connectrpc/connect";

const DEFAULT_PAGE = 50;
const MAX_PAGE = 1_000;

/** Rows of a page as asked for. Throws INVALID_ARGUMENT. */
export function pageSizeFrom(asked: number): number {
  if (asked < 0 || asked > MAX_PAGE) {
    throw new ConnectError(
      `page_size is ${asked}, it must be 1 to ${MAX_PAGE}, or 0 for ${DEFAULT_PAGE}`,
      Code.InvalidArgument,
    );
  }
  return asked || DEFAULT_PAGE;
}

/** A token for the page after the row with these key values. Opaque to clients. */
export function pageToken(listing: string, ...key: string[]): string {
  return Buffer.from(JSON.stringify([listing, ...key])).toString("base64url");
}

/** The key values in a token, `parts` of them; undefined for the first page. Throws INVALID_ARGUMENT on any other token. */
export function keyFromPageToken(listing: string, token: string, parts: number): string[] | undefined {
  if (token === "") return undefined;
  const [of, ...key] = parseToken(token);
  if (of !== listing || key.length !== parts) throw badToken();
  return key;
}

function parseToken(token: string): string[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    if (Array.isArray(value) && value.every((part) => typeof part === "string")) return value;
  } catch {
    // Not a token of ours.
  }
  throw badToken();
}

/** A whole number from a token. */
export function numberFromToken(text: string): bigint {
  if (!/^-?\d{1,18}$/.test(text)) throw badToken();
  return BigInt(text);
}

function badToken(): ConnectError {
  return new ConnectError(
    "page_token must be the next_page_token of the page before, of the same listing, or empty for the first page",
    Code.InvalidArgument,
  );
}

/** The rows of a page, and the last one where there is a page after it. `rows` is one more than the page holds, if there are. */
export function cutPage<T>(rows: readonly T[], size: number): { page: readonly T[]; lastOfMore: T | undefined } {
  const page = rows.slice(0, size);
  return { page, lastOfMore: rows.length > size ? page.at(-1) : undefined };
}
