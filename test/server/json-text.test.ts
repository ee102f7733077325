import { expect, test } from "vitest";
import { jsonText } from "../../src/server/json-text.ts";

const SECRET = "https://hooks.slack.com/services/T0/B0/secret";

function decode(text: string | Uint8Array): string {
  return jsonText.decode(typeof text === "string" ? Buffer.from(text) : text);
}

test("a JSON document: its text", () => {
  expect(decode('{"image": "ä"}')).toBe('{"image": "ä"}');
});

test("an empty body: the empty object", () => {
  expect(decode("")).toBe("{}");
});

test.each([`{"url": "${SECRET}"`, `{"url": ${SECRET}}`, SECRET])(
  "malformed (%s): refused without a quotation",
  (text) => {
    expect(() => decode(text)).toThrow(/^the body is not valid JSON$/);
  },
);

test("bytes that are not UTF-8: refused", () => {
  expect(() => decode(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(/not valid UTF-8/);
});
