import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createHydraClient, type HydraClient, SentinelRolloutState } from "../../src/client/index.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createBuildDirectory } from "./build-directory.ts";
import { copyCheckout } from "./checkout-copy.ts";
import { leftOutWithout } from "./client-tools.ts";
import { startCuttingProxy } from "./cutting-proxy.ts";
import { startDevServer } from "./dev-server.ts";
import { Example } from "./example.ts";

// The programs of examples/, against `hydra dev`.

refuseLeaks();

const BUILD_TIMEOUT_MS = 300_000;
const EXAMPLES = [
  { name: "go", leftOut: leftOutWithout("go", "npx") },
  { name: "python", leftOut: leftOutWithout("python3") },
  { name: "typescript", leftOut: leftOutWithout("npm") },
];

let scope: AsyncDisposableStack;
let checkout: string;
let url: string;
let hydra: HydraClient;

beforeAll(async () => {
  scope = new AsyncDisposableStack();
  checkout = scope.use(await createBuildDirectory()).path;
  await copyCheckout(checkout);
  await buildAll(EXAMPLES.filter(({ leftOut }) => !leftOut));
  const fleet = ["--sentinels", "60", "--converge", "300-700ms", "--fail", "snt_000020=crash_loop"];
  url = await startDevServer(scope, fleet);
  hydra = createHydraClient({ baseUrl: url });
}, BUILD_TIMEOUT_MS);

afterAll(() => scope.disposeAsync());

// There is one rollout at a time: a paused one would be in the next test's way.
afterEach(() => hydra.rollouts.cancel({}).catch(() => {}));

/** Waits for all of them even where one fails: a build that goes on would be left behind. */
async function buildAll(examples: readonly { name: string }[]): Promise<void> {
  const builds = await Promise.allSettled(examples.map(({ name }) => new Example(checkout, name).build()));
  const failures = builds.filter((build) => build.status === "rejected").map((build) => build.reason as Error);
  if (failures.length > 0) throw new AggregateError(failures, failures.map(({ message }) => message).join("\n"));
}

/** What is printed of a rollout of 60 in which snt_000020 fails. */
function linesUntilPaused(image: string): string[] {
  return [
    `rollout ROLLOUT of ${image} is in progress`,
    "wave 1 started: 1 to deploy",
    "wave 1 completed: 1 ready, 0 failed",
    "wave 2 started: 2 to deploy",
    "wave 2 completed: 2 ready, 0 failed",
    "wave 3 started: 12 to deploy",
    "wave 3 completed: 12 ready, 0 failed",
    "wave 4 started: 15 to deploy",
    "snt_000020 failed: the container crashes again and again: exit code 1",
    "wave 4 completed: 14 ready, 1 failed",
    `rollout ROLLOUT of ${image} is paused`,
  ];
}

/** From the start of a rollout on, without its id. */
function linesOf(image: string, lines: string[]): string[] {
  const start = lines.findIndex((line) => line.includes(`of ${image} is in progress`));
  return lines.slice(start).map((line) => line.replace(/rol_\w+/, "ROLLOUT"));
}

describe.each(EXAMPLES)("the example in $name", ({ name, leftOut }) => {
  const run = (...args: Parameters<Example["run"]>) => new Example(checkout, name).run(...args);

  test.skipIf(leftOut)(
    "a wave fails: waves and failure, exit code 3; resumed, the same key again: completed, 0",
    async () => {
      const image = `acme/sentinel:${name}`;
      const key = `${name}-1`;
      const paused = await run(url, { image, key });
      expect(paused).toMatchObject({ exit: 3, stderr: "" });
      expect(linesOf(image, paused.lines)).toEqual(linesUntilPaused(image));
      expect((await hydra.rollouts.resume({})).state).toBe(SentinelRolloutState.COMPLETED);
      const completed = await run(url, { image, key });
      expect(completed.exit).toBe(0);
      expect(completed.lines.at(-1)).toMatch(/^rollout rol_\w+ is completed: 59 of 60 ready, 1 failed$/);
      const { rollouts } = await hydra.rollouts.listRollouts({});
      expect(rollouts.filter((rollout) => rollout.image === image)).toHaveLength(1);
    },
  );

  test.skipIf(leftOut)(
    "connections that are cut again and again: the same lines, none missing, none twice",
    async () => {
      await using proxy = await startCuttingProxy(url);
      const image = `acme/sentinel:${name}-cut`;
      const ended = run(proxy.url, { image, key: `${name}-2` });
      const started = async () => expect((await hydra.rollouts.getRollout({})).rollout?.image).toBe(image);
      await eventually(started, { timeoutMs: 30_000 });
      proxy.startCutting(300);
      const paused = await ended;
      expect(proxy.cuts()).toBeGreaterThan(2);
      expect(paused).toMatchObject({ exit: 3, stderr: "" });
      expect(linesOf(image, paused.lines)).toEqual(linesUntilPaused(image));
    },
  );

  test.skipIf(leftOut)("the key of an earlier rollout: how that one stands, and its exit code", async () => {
    const [earlier, latest] = [`acme/sentinel:${name}-earlier`, `acme/sentinel:${name}-latest`];
    const key = `${name}-6`;
    await hydra.rollouts.rollout({ image: earlier }, { headers: { "idempotency-key": key } });
    await hydra.rollouts.cancel({});
    await hydra.rollouts.rollout({ image: latest });
    const again = await run(url, { image: earlier, key });
    expect(again).toMatchObject({ exit: 4, stderr: "" });
    expect(again.lines.at(-1)).toMatch(/^rollout rol_\w+ is cancelled: 29 of 60 ready, 1 failed$/);
  });

  test.skipIf(leftOut)("refused, no server, no image: exit codes 1, 5 and 2, each with a sentence", async () => {
    const refused = await run(url, { image: "acme/sentinel:", key: `${name}-3` });
    expect(refused).toMatchObject({ exit: 1, stderr: expect.stringContaining("image") });
    const unreachable = await run("http://127.0.0.1:1", { image: "acme/sentinel:v1", key: `${name}-4` });
    expect(unreachable).toMatchObject({ exit: 5, stderr: expect.stringContaining("no server answers") });
    expect(await run(url, { key: `${name}-5` })).toMatchObject({ exit: 2, stderr: expect.stringContaining("usage") });
  });
});
