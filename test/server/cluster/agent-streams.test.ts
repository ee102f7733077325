import { expect, test } from "vitest";
import { AgentStreams } from "../../../src/server/cluster/index.ts";

test("streams that follow and one that is told everything: told apart, and the slowest one's distance", () => {
  const streams = new AgentStreams();
  expect(streams.mostUntold(7n)).toBe(0);
  streams.add({ toldUpTo: 90n });
  const close = streams.add({ toldUpTo: 40n });
  streams.add({ toldUpTo: undefined });
  expect(streams.open()).toEqual({ everything: 1, changes: 2 });
  expect(streams.mostUntold(100n)).toBe(60);
  // A stream may know more than the server's tail.
  expect(streams.mostUntold(30n)).toBe(0);
  close();
  close();
  expect(streams.open()).toEqual({ everything: 1, changes: 1 });
  expect(streams.mostUntold(100n)).toBe(10);
});
