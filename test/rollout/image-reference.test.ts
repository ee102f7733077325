import { expect, test } from "vitest";
import { checkImageReference } from "../../src/rollout/image-reference.ts";

const SHA = `sha256:${"0123456789abcdef".repeat(4)}`;

test.each([
  "sentinel",
  "sentinel:v1",
  "acme/sentinel",
  "ghcr.io/acme/sentinel:v1.2.3",
  "localhost/sentinel:_x",
  "localhost:5000/acme/sentinel",
  "[::1]:5000/acme/sentinel:1",
  "registry.example.com:443/a/b/c/d:V-1.0_x",
  `ghcr.io/acme/sentinel@${SHA}`,
  `ghcr.io/acme/sentinel:v1@${SHA}`,
  "acme/my__sentinel.x--y",
  `a:${"t".repeat(128)}`,
  "a".repeat(255),
])("%s: accepted", (image) => {
  expect(() => checkImageReference(image)).not.toThrow();
});

test.each([
  ["Sentinel", "lower-case"],
  ["ghcr.io/Acme/sentinel", "lower-case"],
  ["ghcr.io//sentinel", "a part of its path is empty"],
  ["/sentinel", "a part of its path is empty"],
  ["sentinel/", "a part of its path is empty"],
  [":v1", "it has no name"],
  ["sentinel:", "its tag"],
  ["sentinel:.v1", "its tag"],
  ["sentinel:v1:v2", "its tag"],
  [`a:${"t".repeat(129)}`, "its tag"],
  ["sentinel@sha256:1234", "its digest"],
  ["sentinel@", "its digest"],
  [`sentinel@${SHA.toUpperCase()}`, "its digest"],
  ["host:port/sentinel", "lower-case"],
  ["a b", "lower-case"],
  ["a\u0000b", "lower-case"],
  ["a___b", "lower-case"],
  ["-a", "lower-case"],
  ["https://ghcr.io/acme/sentinel", '"https:"'],
  [`${"a".repeat(256)}:v1`, "longer than 255"],
])("%j: refused as invalid, naming what is wrong", (image, fault) => {
  expect(() => checkImageReference(image)).toThrow(expect.objectContaining({ kind: "invalid" }));
  expect(() => checkImageReference(image)).toThrow(fault);
});

test("empty: refused with the words that operators know", () => {
  expect(() => checkImageReference("")).toThrow(/^image is required$/);
});

test("a very long one: refused at once, without repeating all of it", () => {
  let message = "";
  try {
    checkImageReference(`${"a-".repeat(500_000)}!`);
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toContain("longer than 255");
  expect(message.length).toBeLessThan(600);
});
