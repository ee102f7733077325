import { readFileSync } from "node:fs";
import { Code, ConnectError } from "@connectrpc/connect";

/** What is sent as `Authorization: Bearer`, or what gives it: asked before each call. */
export type TokenSource = string | (() => string);

/** Visible ASCII is all that a header can carry and a token consists of. */
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * The token in a file, which is read for each call: one that was renewed counts
 * from the next call on. Line breaks and blanks around it do not matter. The
 * function that is returned throws a ConnectError which names the file, never
 * what is in it.
 */
export function tokenFromFile(path: string): () => string {
  return () => {
    const token = textIn(path).trim();
    if (TOKEN.test(token)) return token;
    throw badFile(path, token === "" ? "is empty" : "holds something else than one token");
  };
}

function textIn(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw badFile(path, `cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function badFile(path: string, problem: string): ConnectError {
  return new ConnectError(
    `the token file ${path} ${problem}: put a token into it, and nothing else`,
    Code.InvalidArgument,
  );
}
