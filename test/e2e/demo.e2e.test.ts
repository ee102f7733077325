import { expect, test } from "vitest";
import { refuseLeaks } from "../support/leaks.ts";
import { eventually } from "../support/eventually.ts";
import { runHydra, startHydraProcess } from "./hydra-process.ts";

refuseLeaks();

test("hydra demo, piped: a failure, a pause, a resume, completed; exit code 0 and nothing is left", async () => {
  const { exit, stdout, stderr } = await runHydra(["demo"]);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
  const story = [
    /\$ hydra rollout \S+ --waves 5,25,50,100/,
    /wave 1 completed: 2 of 2 ready/,
    /snt_000014 failed: the image cannot be pulled/,
    /rollout paused/,
    /\$ hydra resume/,
    /rollout resumed/,
    /wave 4 completed: 20 of 20 ready/,
    /is completed\./,
  ];
  const places = story.map((chapter) => stdout.search(chapter));
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
});

test("hydra demo, killed with Ctrl-C in the middle: its server and database go, too", async () => {
  await using demo = startHydraProcess(["demo"]);
  await eventually(() => expect(demo.stdout()).toContain("wave 2 started"), { timeoutMs: 30_000 });
  demo.kill("SIGINT");
  expect(await demo.exited).toBe(130);
});
