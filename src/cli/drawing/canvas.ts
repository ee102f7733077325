import type { Style } from "../terminal.ts";

/** What there is to draw on. */
export interface Canvas {
  /** Columns; 60 to 200 look as intended. */
  readonly columns: number;
  /** Lines that there is room for. */
  readonly rows: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly style: Style;
  /** Say what can be done next. Default: false, for commands that end with saying it. */
  readonly hints?: boolean;
}
