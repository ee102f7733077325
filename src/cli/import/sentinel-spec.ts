import { create, type DescField, ScalarType } from "@bufbuild/protobuf";
import {
  SentinelDesiredStateSchema,
  SentinelSchema,
  type SentinelSpec,
  SentinelSpecSchema,
} from "../../gen/hydra/v1/sentinel_pb.ts";
import { enumValue } from "../enum-words.ts";
import { closestName } from "./closest-name.ts";
import { badRow, NOT_UTF8, type RowText } from "./row-text.ts";

/** Columns by the name that the table has, and by the one of JSON output. */
const ACCEPTED = byEitherName(SentinelSpecSchema.fields);
/** What hydra finds out itself: a listing has it, and so may what is imported. */
const PASSED_OVER = byEitherName(SentinelSchema.fields);

/**
 * The sentinel that a row of an import tells of. Fields that are left out or
 * null stay unset; whether values are acceptable is for the server to say.
 *
 * @throws CommandError that names the row's place.
 */
export function sentinelSpecOf({ place, text }: RowText): SentinelSpec {
  const row = parse(place, text);
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row)) {
    const field = ACCEPTED.get(name);
    if (field && value !== null) values[field.localName] = valueOf(place, field, value);
    else if (!field && !PASSED_OVER.has(name)) throw unknownColumn(place, name);
  }
  if (values["id"] === undefined) throw badRow(place, "it has no id, which every sentinel must have");
  return create(SentinelSpecSchema, values);
}

function parse(place: string, text: string): object {
  if (text.includes(NOT_UTF8)) throw badRow(place, "it is not UTF-8 text");
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch (error) {
    const { message } = error as SyntaxError;
    // That line is the first one of the row, not of the file.
    const why = message.replace(/ \(line \d+ column \d+\)$/, "");
    throw badRow(place, `it is no JSON (${why}); accepted is one object a line, or one array of objects`);
  }
  if (typeof row === "object" && row !== null && !Array.isArray(row)) return row;
  throw badRow(place, 'it is no object; accepted are objects such as {"id": "snt_000001", …}');
}

function valueOf(place: string, field: DescField, value: unknown): unknown {
  if (field.fieldKind === "enum") return desiredStateOf(place, field, value);
  if (field.scalar === ScalarType.STRING) {
    if (typeof value === "string") return value;
    throw badRow(place, `${field.name} is ${shown(value)}; accepted is a text in quotes`);
  }
  if (Number.isInteger(value) && Math.abs(value as number) < 2 ** 31) return value;
  throw badRow(place, `${field.name} is ${shown(value)}; accepted is a whole number below 2^31, without quotes`);
}

/** `running`, or the long name that JSON output has. */
function desiredStateOf(place: string, field: DescField, value: unknown): number {
  const word = String(value).toLowerCase().replace("sentinel_desired_state_", "");
  const state = enumValue(SentinelDesiredStateSchema, word);
  if (state !== undefined) return state;
  throw badRow(place, `${field.name} is ${shown(value)}; accepted are running, standby and archived`);
}

function unknownColumn(place: string, name: string): Error {
  const names = SentinelSpecSchema.fields.map((field) => field.name);
  const meant = closestName(name, [...ACCEPTED.keys()]);
  const hint = meant === undefined ? `accepted are ${names.join(", ")}` : `did you mean ${meant}?`;
  return badRow(place, `there is no column ${shown(name)}: ${hint}`);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function byEitherName(fields: readonly DescField[]): ReadonlyMap<string, DescField> {
  return new Map(fields.flatMap((field) => [field.name, field.jsonName].map((name) => [name, field] as const)));
}
