import { expect, test } from "vitest";
import { describeError } from "../../src/bin/logger.ts";

test("an error of the database: its message, code and cause are logged, nothing of its connection", () => {
  const error = Object.assign(new Error("terminating connection", { cause: new Error("reset") }), {
    code: "57P01",
    client: { password: "hunter2" },
  });
  expect(describeError(error)).toMatchObject({
    message: "terminating connection",
    code: "57P01",
    cause: { message: "reset" },
  });
  expect(JSON.stringify(describeError(error))).not.toContain("hunter2");
});
