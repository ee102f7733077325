import type { MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import {
  type ImportSentinelsRequestSchema,
  type ImportSentinelsResponse,
  ImportSentinelsResponseSchema,
  type SentinelSpec,
} from "../../gen/hydra/v1/sentinel_pb.ts";
import { ExitCode } from "../exit-codes.ts";
import { CommandError, isConnectionFailure } from "../failure.ts";
import { toPlainText } from "../fit-text.ts";
import { bytesOf } from "../import/bytes-of.ts";
import { jsonRows } from "../import/json-rows.ts";
import { sentinelSpecOf } from "../import/sentinel-spec.ts";
import { jsonLine } from "../json-line.ts";
import type { Session } from "../session.ts";
import { countOf, formatCount } from "../words.ts";

/** Most sentinels in one message, and about how many characters: the server limits both. */
const BATCH = { rows: 500, text: 512 * 1024 };

/** `hydra sentinels import`: all rows of a file, or of standard input where it is `-`, in one commit, or none. */
export async function sentinelsImport(session: Session, file: string): Promise<ExitCode> {
  const { client, terminal, interrupted } = session;
  // No server: say so before standard input is waited for.
  await client.sentinels.listSentinels({ pageSize: 1 }, { signal: interrupted });
  const rows = new ImportedRows(bytesOf(file));
  let response: ImportSentinelsResponse;
  try {
    response = await client.sentinels.importSentinels(rows.requests(), { signal: interrupted });
  } catch (error) {
    throw rows.explain(error);
  }
  if (session.json) terminal.print(jsonLine(ImportSentinelsResponseSchema, response));
  else if (rows.count === 0) terminal.complain("There are no sentinels in it: nothing to import.");
  else terminal.print(summaryOf(response));
  return ExitCode.DONE;
}

function summaryOf({ created, updated, unchanged }: ImportSentinelsResponse): string {
  const all = countOf(created + updated + unchanged, "sentinel");
  const counts = `${formatCount(created)} created, ${formatCount(updated)} updated, ${formatCount(unchanged)} unchanged`;
  return `Imported ${all}: ${counts}.`;
}

/** The rows of one import on their way to the server. */
class ImportedRows {
  readonly #bytes: AsyncIterable<Uint8Array>;
  /** Of each row, as a person finds it. */
  readonly #places: string[] = [];
  #failure: unknown;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#bytes = bytes;
  }

  /** Rows so far. */
  get count(): number {
    return this.#places.length;
  }

  /** A row that is wrong breaks the call off: the server writes nothing until all have come. */
  async *requests(): AsyncGenerator<MessageInitShape<typeof ImportSentinelsRequestSchema>> {
    try {
      yield* this.#batches();
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  async *#batches(): AsyncGenerator<{ sentinels: SentinelSpec[] }> {
    let sentinels: SentinelSpec[] = [];
    let text = 0;
    for await (const row of jsonRows(this.#bytes)) {
      sentinels.push(sentinelSpecOf(row));
      this.#places.push(row.place);
      text += row.text.length;
      if (sentinels.length < BATCH.rows && text < BATCH.text) continue;
      yield { sentinels };
      [sentinels, text] = [[], 0];
    }
    if (sentinels.length > 0) yield { sentinels };
  }

  /** What went wrong, in terms of the file. */
  explain(error: unknown): unknown {
    // The call failed because the rows did.
    if (this.#failure !== undefined) return this.#failure;
    if (isConnectionFailure(error)) return lost(error);
    // The server counts rows, a person lines.
    const atRow = error instanceof ConnectError && /^row \d+: /.test(error.rawMessage) ? error.rawMessage : undefined;
    if (atRow === undefined) return error;
    const told = atRow.replace(/^row (\d+)|(?<=was in )row (\d+)(?= already)/g, (row, first, earlier) => {
      return this.#places[Number(first ?? earlier) - 1] ?? row;
    });
    return new CommandError(`${toPlainText(told)}. Nothing was imported.`, ExitCode.ERROR, { cause: error });
  }
}

function lost(cause: unknown): CommandError {
  return new CommandError(
    "the connection to the server was lost before it said that it is done: all sentinels are imported, or none. " +
      "Import them again; those that are there already count as unchanged.",
    ExitCode.CONNECTION,
    { cause },
  );
}
