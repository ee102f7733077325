import { type ImportSentinelsResponse, ImportSentinelsResponseSchema } from "../../gen/hydra/v1/sentinel_pb.ts";
import { ExitCode } from "../exit-codes.ts";
import { bytesOf } from "../import/bytes-of.ts";
import { importRows, type SpecRow } from "../import/import-rows.ts";
import { jsonRows } from "../import/json-rows.ts";
import { sentinelSpecOf } from "../import/sentinel-spec.ts";
import { jsonLine } from "../json-line.ts";
import type { Session } from "../session.ts";
import { countOf, formatCount } from "../words.ts";

/** `hydra sentinels import`: all rows of a file, or of standard input where it is `-`, in one commit, or none. */
export async function sentinelsImport(session: Session, file: string): Promise<ExitCode> {
  const { client, terminal, interrupted } = session;
  // No server: say so before standard input is waited for.
  await client.sentinels.listSentinels({ pageSize: 1 }, { signal: interrupted });
  const response = await importRows(session, rowsOf(file));
  if (session.json) terminal.print(jsonLine(ImportSentinelsResponseSchema, response));
  else if (countIn(response) === 0) terminal.complain("There are no sentinels in it: nothing to import.");
  else terminal.print(summaryOf(response));
  return ExitCode.DONE;
}

async function* rowsOf(file: string): AsyncGenerator<SpecRow, void> {
  for await (const row of jsonRows(bytesOf(file))) {
    yield { place: row.place, spec: sentinelSpecOf(row), size: row.text.length };
  }
}

function countIn({ created, updated, unchanged }: ImportSentinelsResponse): number {
  return created + updated + unchanged;
}

function summaryOf(response: ImportSentinelsResponse): string {
  const { created, updated, unchanged } = response;
  const counts = `${formatCount(created)} created, ${formatCount(updated)} updated, ${formatCount(unchanged)} unchanged`;
  return `Imported ${countOf(countIn(response), "sentinel")}: ${counts}.`;
}
