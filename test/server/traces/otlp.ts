import { create, createFileRegistry, fromBinary, type JsonValue, toJson } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

// Reads what an OTLP exporter sends: the parts of opentelemetry-proto that the
// tests look at, with the numbers they have there.

type Field = readonly [name: string, number: number, type: Type | string, repeated?: "repeated"];

const MESSAGES: Record<string, readonly Field[]> = {
  ExportTraceServiceRequest: [["resource_spans", 1, "ResourceSpans", "repeated"]],
  ResourceSpans: [
    ["resource", 1, "Resource"],
    ["scope_spans", 2, "ScopeSpans", "repeated"],
  ],
  Resource: [["attributes", 1, "KeyValue", "repeated"]],
  ScopeSpans: [["spans", 2, "Span", "repeated"]],
  Span: [
    ["trace_id", 1, Type.BYTES],
    ["span_id", 2, Type.BYTES],
    ["trace_state", 3, Type.STRING],
    ["parent_span_id", 4, Type.BYTES],
    ["name", 5, Type.STRING],
    ["kind", 6, Type.INT32],
    ["start_time_unix_nano", 7, Type.FIXED64],
    ["end_time_unix_nano", 8, Type.FIXED64],
    ["attributes", 9, "KeyValue", "repeated"],
    ["status", 15, "Status"],
    ["flags", 16, Type.FIXED32],
  ],
  Status: [
    ["message", 2, Type.STRING],
    ["code", 3, Type.INT32],
  ],
  KeyValue: [
    ["key", 1, Type.STRING],
    ["value", 2, "AnyValue"],
  ],
  AnyValue: [
    ["string_value", 1, Type.STRING],
    ["bool_value", 2, Type.BOOL],
    ["int_value", 3, Type.INT64],
    ["double_value", 4, Type.DOUBLE],
  ],
};

const file = create(FileDescriptorProtoSchema, {
  name: "otlp.proto",
  package: "otlp",
  syntax: "proto3",
  messageType: Object.entries(MESSAGES).map(([name, fields]) => ({
    name,
    field: fields.map(([field, number, type, repeated]) => ({
      name: field,
      jsonName: field,
      number,
      label: repeated ? Label.REPEATED : Label.OPTIONAL,
      ...(typeof type === "string" ? { type: Type.MESSAGE, typeName: `.otlp.${type}` } : { type }),
    })),
  })),
});
const requestSchema = createFileRegistry(file, () => undefined).getMessage("otlp.ExportTraceServiceRequest");

/** A span as a collector gets it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: a root. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: number;
  readonly startUs: number;
  readonly endUs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** 2: error. */
  readonly status: { readonly code: number; readonly message: string };
  readonly flags: number;
  readonly resource: Readonly<Record<string, string | number>>;
}

interface KeyValueJson {
  key: string;
  value: { string_value?: string; int_value?: string; double_value?: number };
}

interface SpanJson {
  trace_id: string;
  span_id: string;
  trace_state?: string;
  parent_span_id?: string;
  name: string;
  kind?: number;
  start_time_unix_nano: string;
  end_time_unix_nano: string;
  attributes?: KeyValueJson[];
  status?: { message?: string; code?: number };
  flags?: number;
}

interface RequestJson {
  resource_spans?: { resource: { attributes?: KeyValueJson[] }; scope_spans: { spans: SpanJson[] }[] }[];
}

/** The spans of an ExportTraceServiceRequest. Throws where the bytes are none. */
export function spansIn(body: Uint8Array): ReceivedSpan[] {
  if (!requestSchema) throw new Error("no schema");
  const json: JsonValue = toJson(requestSchema, fromBinary(requestSchema, body), { useProtoFieldName: true });
  return ((json as unknown as RequestJson).resource_spans ?? []).flatMap(({ resource, scope_spans }) =>
    scope_spans.flatMap(({ spans }) => spans.map((span) => receivedSpan(span, attributesOf(resource.attributes)))),
  );
}

function receivedSpan(span: SpanJson, resource: ReceivedSpan["resource"]): ReceivedSpan {
  return {
    traceId: hex(span.trace_id),
    spanId: hex(span.span_id),
    parentSpanId: hex(span.parent_span_id),
    traceState: span.trace_state ?? "",
    name: span.name,
    kind: span.kind ?? 0,
    startUs: Number(BigInt(span.start_time_unix_nano) / 1_000n),
    endUs: Number(BigInt(span.end_time_unix_nano) / 1_000n),
    attributes: attributesOf(span.attributes),
    status: { code: span.status?.code ?? 0, message: span.status?.message ?? "" },
    flags: span.flags ?? 0,
    resource,
  };
}

function attributesOf(pairs: readonly KeyValueJson[] = []): Record<string, string | number> {
  // Without the oneof that these fields are in, a 0 looks like nothing.
  return Object.fromEntries(
    pairs.map(({ key, value }) => [key, value.string_value ?? Number(value.int_value ?? value.double_value ?? 0)]),
  );
}

function hex(base64 = ""): string {
  return Buffer.from(base64, "base64").toString("hex");
}
