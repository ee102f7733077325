import {
  type DurableHandler,
  DurableHandlerSchema,
  type DurableService,
  DurableServiceSchema,
} from "../../gen/hydra/v1/engine_pb.ts";
import { HandlerKindSchema } from "../../gen/hydra/v1/options_pb.ts";
import { enumWord } from "../enum-words.ts";
import { ExitCode } from "../exit-codes.ts";
import { jsonLine } from "../json-line.ts";
import { type Listing, showListing } from "../listing/show-listing.ts";
import type { Session } from "../session.ts";

/** `hydra invocations services`: what the engine can run. */
export async function invocationsServices(session: Session): Promise<ExitCode> {
  const { client, terminal, interrupted, json } = session;
  const { services } = await client.engine.listServices({}, { signal: interrupted });
  if (json) for (const service of services) terminal.print(jsonLine(DurableServiceSchema, service));
  else await showListing(session, listingOf(services), onePage(services.flatMap(({ handlers }) => handlers)));
  return ExitCode.DONE;
}

function listingOf(services: readonly DurableService[]): Listing<typeof DurableHandlerSchema> {
  const serviceOf = new Map(
    services.flatMap(({ name, handlers }) => handlers.map((handler) => [handler, name] as const)),
  );
  return {
    schema: DurableHandlerSchema,
    columns: [
      { title: "SERVICE", value: (handler) => serviceOf.get(handler) ?? "", least: 16 },
      { title: "HANDLER", value: ({ name }) => name },
      { title: "KIND", value: ({ kind }) => enumWord(HandlerKindSchema, kind), rank: 1 },
      { title: "PUBLIC", value: (handler) => (handler.public ? "yes" : "no"), rank: 2 },
      { title: "REQUEST", value: ({ requestMessage }) => requestMessage, least: 16, rank: 3 },
      { title: "RESPONSE", value: ({ responseMessage }) => responseMessage, least: 16, rank: 4 },
    ],
    empty: "This server runs nothing on the engine.",
  };
}

async function* onePage(rows: readonly DurableHandler[]): AsyncGenerator<readonly DurableHandler[]> {
  if (rows.length > 0) yield rows;
}
