import { IngressFailure } from "./failure.ts";

const ACCEPTED = "application/json";

/**
 * Refuses every content-type but JSON, also where the body is empty: a web page
 * cannot send that type to another server without asking first, which keeps
 * pages from calling a server on the machine of their reader.
 */
export function checkContentType(header: string | undefined): void {
  const type = header?.split(";", 1)[0]?.trim() ?? "";
  if (type === "") throw new IngressFailure(400, "input validation error: Empty content-type");
  if (type.toLowerCase() !== ACCEPTED) {
    throw new IngressFailure(
      400,
      `input validation error: Content-type '${type.slice(0, 100)}' does not match '${ACCEPTED}'`,
    );
  }
}
