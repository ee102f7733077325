import { type DescMessage, fromJsonString, type Message } from "@bufbuild/protobuf";
import type { Call } from "../call.ts";
import { jsonText, textOf } from "../json-text.ts";
import type { NodeRequest } from "../one-port.ts";
import { BodyTooLargeError, readBody } from "../request-body.ts";
import { IngressFailure } from "./failure.ts";

/** A request, with what is known of the call that it makes. */
export interface CallRequest {
  readonly request: NodeRequest;
  readonly call: Call;
}

/** Reads a request's body; too much of it is a 413. It may come slowly: its caller is judged again then. */
export async function bodyOf({ request, call }: CallRequest, maxBytes: number): Promise<Buffer> {
  const body = await readBody(request, maxBytes).catch((error: unknown) => {
    throw error instanceof BodyTooLargeError ? new IngressFailure(413, error.message) : error;
  });
  const refusal = call.refusalNow();
  if (refusal) throw refusal;
  return body;
}

/** A body as text; what is not UTF-8 is a 400. */
export function bodyText(body: Uint8Array): string {
  try {
    return textOf(body);
  } catch (error) {
    throw new IngressFailure(400, messageOf(error));
  }
}

/** Reads a message from protobuf JSON: both spellings of names, no unknown ones; an empty body is the empty message. */
export function decodeInput<T extends DescMessage>(schema: T, body: Uint8Array): Message {
  try {
    return fromJsonString(schema, jsonText.decode(body), { ignoreUnknownFields: false });
  } catch (error) {
    const reason = messageOf(error);
    const message = `request could not be decoded into handler input type: proto: ${reason}`;
    throw new IngressFailure(400, message, "invocation");
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
