import { expect, test } from "vitest";
import { ReleaseStack } from "../../src/bin/release-stack.ts";

test("several things: released last in first out, and once only", async () => {
  const released: string[] = [];
  const stack = new ReleaseStack();
  for (const name of ["postgres", "engine", "server"]) stack.defer(() => void released.push(name));
  await Promise.all([stack.release(), stack.release()]);
  expect(released).toEqual(["server", "engine", "postgres"]);
});

test("one that cannot be released: the others are, then its error is thrown", async () => {
  const released: string[] = [];
  const stack = new ReleaseStack();
  stack.defer(() => void released.push("postgres"));
  stack.defer(() => Promise.reject(new Error("stuck")));
  await expect(stack.release()).rejects.toThrow("stuck");
  expect(released).toEqual(["postgres"]);
});
