import type { DescEnum } from "@bufbuild/protobuf";

/** The value of an enum as operators write it: `running`, without the prefix that names in a .proto have. */
export function enumWord(schema: DescEnum, value: number): string {
  const known = schema.value[value];
  return known === undefined ? `unknown (${value})` : known.localName.toLowerCase();
}

/** The values of those names, for the request whose field they fill. Words are choices of the command line, and known. */
export function enumValues<Value extends number>(schema: DescEnum, words: readonly string[]): Value[] {
  return words.flatMap((word) => (enumValue(schema, word) ?? []) as Value);
}

/** The value of that name; undefined where there is none. UNSPECIFIED has no name. */
export function enumValue(schema: DescEnum, word: string): number | undefined {
  return schema.values.find(({ number, localName }) => number !== 0 && localName.toLowerCase() === word)?.number;
}
