import { readFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import {
  DEMO_COMMANDS,
  DEMO_FAILURES,
  DEMO_FLEET,
  DEMO_IMAGE,
  DEMO_KILL,
  DEMO_WAVES,
} from "../../src/cli/demo/story.ts";

const root = path.join(import.meta.dirname, "../..");
/** Without what only aligns them. */
let lines: string[];

beforeAll(async () => {
  const recording = await readFile(path.join(root, "docs/demo.md"), "utf8");
  lines = recording.split("\n").map((line) => line.trim().replaceAll(/ +/g, " "));
});

describe("docs/demo.md, of the story as it is now", () => {
  test.each(DEMO_COMMANDS)("the command `%s`: typed", (command) => {
    expect(lines).toContain(`$ ${command}`);
  });

  test("the images: each with its count at the start, with the rollout in place, and at the end", () => {
    const failing = (image: string) => DEMO_FLEET.filter((one) => one.image === image && DEMO_FAILURES.has(one.id));
    const counts = new Map([[DEMO_IMAGE, [0, DEMO_FLEET.length - DEMO_FAILURES.size, 0]]]);
    for (const { image } of DEMO_FLEET) {
      const before = DEMO_FLEET.filter((one) => one.image === image).length;
      counts.set(image, [before, failing(image).length, before]);
    }
    for (const [image, row] of counts) expect(lines).toContain(`${image} ${row.join(" ")}`);
  });

  test("the waves, those that fail, and the kill: as planned", () => {
    const ends = [0, ...DEMO_WAVES.map((percent) => Math.ceil((DEMO_FLEET.length * percent) / 100))];
    const sizes = DEMO_WAVES.map((_percent, index) => (ends[index + 1] ?? 0) - (ends[index] ?? 0));
    for (const [index, size] of sizes.entries()) {
      expectLine(new RegExp(`^${index + 1} ${DEMO_WAVES[index]}% .*\\d/${size}\\b`));
    }
    for (const id of DEMO_FAILURES.keys()) expectLine(new RegExp(`^${id} the `));
    expectLine(new RegExp(`^kill -9 \\d+, with \\d+ of \\d+ sentinels of wave ${DEMO_KILL.waveIndex + 1} ready: `));
    expectLine(new RegExp(`^fleet ${DEMO_FLEET.length} sentinels deployed, each once: generation \\+ 1$`));
  });

  test("the README: links to it", async () => {
    expect(await readFile(path.join(root, "README.md"), "utf8")).toContain("](docs/demo.md)");
  });
});

function expectLine(pattern: RegExp): void {
  expect(lines.filter((line) => pattern.test(line))).not.toEqual([]);
}
