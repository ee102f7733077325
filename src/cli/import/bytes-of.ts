import { createReadStream } from "node:fs";
import { ExitCode } from "../exit-codes.ts";
import { CommandError } from "../failure.ts";

/**
 * The content of a file, or of standard input where it is `-`.
 *
 * @throws CommandError where it cannot be read.
 */
export async function* bytesOf(file: string): AsyncGenerator<Uint8Array, void> {
  try {
    yield* file === "-" ? process.stdin : createReadStream(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CommandError(
      `cannot read ${file}: ${WHY[code ?? ""] ?? message}. Nothing was imported.`,
      ExitCode.ERROR,
      {
        cause: error,
      },
    );
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a directory",
  EACCES: "you may not read it",
};
