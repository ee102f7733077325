import type { Display } from "./display.ts";
import type { Terminal } from "../terminal.ts";

/** Tells once that the server is away and once that it is back, on standard error: the output is not for that. */
export function sayAway({ complain }: Terminal): Display["away"] {
  let away = false;
  return (forMs) => {
    if (away === (forMs !== undefined)) return;
    away = forMs !== undefined;
    complain(away ? "the server does not answer; trying again. What runs there goes on." : "the server answers again.");
  };
}
