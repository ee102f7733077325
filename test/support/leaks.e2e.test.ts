import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { watchForLeaks } from "./leaks.ts";

// One test: a watch changes the environment of the whole process.
test("a file, a detached child and an open listener: each is a leak until it is gone", async () => {
  const tmpdir = os.tmpdir();
  const watch = await watchForLeaks();
  expect(os.tmpdir()).toBe(watch.directory);
  expect(await watch.leaks()).toEqual([]);

  await writeFile(path.join(os.tmpdir(), "forgotten"), "");
  const child = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
  await once(child, "spawn");
  const listener = net.createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  expect(await watch.leaks()).toEqual([
    `process ${child.pid}: sleep 60 `,
    "forgotten in the temporary directory",
    "1 × TCPServerWrap still open in the test process",
    "1 × ProcessWrap still open in the test process",
  ]);

  child.kill("SIGKILL");
  listener.close();
  await eventually(async () => expect(await watch.leaks()).toEqual(["forgotten in the temporary directory"]));
  await watch.end();
  expect(os.tmpdir()).toBe(tmpdir);
});
