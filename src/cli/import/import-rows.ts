import type { MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type {
  ImportSentinelsRequestSchema,
  ImportSentinelsResponse,
  SentinelSpec,
} from "../../gen/hydra/v1/sentinel_pb.ts";
import { ExitCode } from "../exit-codes.ts";
import { CommandError, isConnectionFailure } from "../failure.ts";
import { toPlainText } from "../fit-text.ts";
import type { Session } from "../session.ts";

/** Most sentinels in one message, and about how many characters: the server limits both. */
const BATCH = { rows: 500, text: 512 * 1024 };

/** One sentinel of an import. */
export interface SpecRow {
  /** How a person finds it: `line 17`, or the Deployment. */
  readonly place: string;
  readonly spec: SentinelSpec;
  /** About how many characters it has. */
  readonly size: number;
}

/**
 * Sends all rows in one commit, or none.
 *
 * @throws what the rows throw, and CommandErrors that name a row by its place.
 */
export async function importRows(
  { client, interrupted }: Session,
  rows: AsyncIterable<SpecRow> | Iterable<SpecRow>,
): Promise<ImportSentinelsResponse> {
  const sent = new SentRows(rows);
  try {
    return await client.sentinels.importSentinels(sent.requests(), { signal: interrupted });
  } catch (error) {
    throw sent.explain(error);
  }
}

/** The rows of one import on their way to the server. */
class SentRows {
  readonly #rows: AsyncIterable<SpecRow> | Iterable<SpecRow>;
  /** Of each row, as a person finds it. */
  readonly #places: string[] = [];
  #failure: unknown;

  constructor(rows: AsyncIterable<SpecRow> | Iterable<SpecRow>) {
    this.#rows = rows;
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
    for await (const { place, spec, size } of this.#rows) {
      sentinels.push(spec);
      this.#places.push(place);
      text += size;
      if (sentinels.length < BATCH.rows && text < BATCH.text) continue;
      yield { sentinels };
      [sentinels, text] = [[], 0];
    }
    if (sentinels.length > 0) yield { sentinels };
  }

  /** What went wrong, in a person's terms. */
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
