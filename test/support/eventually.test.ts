import { expect, test } from "vitest";
import { eventually } from "./eventually.ts";

test("a check that fails twice: its third result is returned", async () => {
  let calls = 0;
  const check = () => {
    calls += 1;
    if (calls === 1) throw new Error("not yet");
    return calls === 2 ? false : `call ${calls}`;
  };
  expect(await eventually(check)).toBe("call 3");
});

test("a check that never holds: the last failure is thrown", async () => {
  let calls = 0;
  const check = () => {
    throw new Error(`failure ${(calls += 1)}`);
  };
  await expect(eventually(check, { timeoutMs: 50 })).rejects.toThrow(/^failure \d+$/);
  expect(calls).toBeGreaterThan(1);
});

test("a check that stays false: the error shows the check", async () => {
  await expect(eventually(() => Number("2") === 3, { timeoutMs: 20 })).rejects.toThrow('Number("2") === 3');
});
