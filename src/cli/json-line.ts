import { type DescMessage, type MessageShape, toJsonString } from "@bufbuild/protobuf";

/** A message as one line of proto JSON; counts that are zero are there, too. */
export function jsonLine<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): string {
  return toJsonString(schema, message, { alwaysEmitImplicit: true });
}

/** Like jsonLine, without what is unset. */
export function sparseJsonLine<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): string {
  return toJsonString(schema, message);
}
