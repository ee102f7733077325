import { type Logger, pino } from "pino";

export interface LoggerOptions {
  level: string;
  /** JSON lines for machines, or short coloured ones for a person. */
  format: "json" | "pretty";
}

/**
 * Writes to standard error: standard output belongs to what a command answers.
 * Synchronous, so that the last words of a process that ends are not lost.
 */
export async function createLogger({ level, format }: LoggerOptions): Promise<Logger> {
  const options = { serializers: { err: describeError }, level, base: null, timestamp: isoTime };
  if (format === "json") {
    const formatters = { level: (label: string) => ({ level: label }) };
    return pino({ ...options, formatters }, pino.destination({ dest: 2, sync: true }));
  }
  const { default: pretty } = await import("pino-pretty");
  return pino(options, pretty({ destination: 2, sync: true, translateTime: "SYS:HH:MM:ss", singleLine: true }));
}

function isoTime(): string {
  return `,"time":"${new Date().toISOString()}"`;
}

/** Of an error only what a person needs: one of `pg` has the whole connection in it, with its password. */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  const { code } = error as { code?: unknown };
  return { name, message, code, stack, ...(cause === undefined ? {} : { cause: describeError(cause) }) };
}
