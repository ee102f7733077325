// What happens in `hydra demo`, as data: the fleet, what is rolled out, who fails, when the server is killed.

/** Rolled out over the whole fleet. */
export const DEMO_IMAGE = "ghcr.io/acme/sentinel:v2.0.0";
/** Where each wave ends, in percent. */
export const DEMO_WAVES = [5, 20, 50, 100];

/** What an operator would type, in the order of the story. */
export const DEMO_COMMANDS = [
  `hydra rollout ${DEMO_IMAGE} --waves ${DEMO_WAVES.join(",")}`,
  "hydra resume",
  "hydra rollback",
] as const;

const FLEET_SIZE = 60;
const MOST_RUN = "ghcr.io/acme/sentinel:v1.9.0";
const EVERY_THIRD_RUNS = "ghcr.io/acme/sentinel:v1.8.3";

/** The sentinels, each with the image that it runs before: not the same for all, so that "back" differs, too. */
export const DEMO_FLEET: readonly { readonly id: string; readonly image: string }[] = Array.from(
  { length: FLEET_SIZE },
  (_, index) => ({
    id: `snt_${String(index + 1).padStart(6, "0")}`,
    image: index % 3 === 2 ? EVERY_THIRD_RUNS : MOST_RUN,
  }),
);

/** Those that do not take the image, with the class of the failure: one in the second wave, one in the last. */
export const DEMO_FAILURES: ReadonlyMap<string, string> = new Map([
  ["snt_000008", "image_pull"],
  ["snt_000047", "crash_loop"],
]);

/** How long a sentinel takes: long enough for the last ones of a wave to outlast the start of a server. */
export const DEMO_CONVERGE_MS = { min: 500, max: 5_000 };

/** The server is killed once so many sentinels of this wave (from 0) are ready. */
export const DEMO_KILL = { waveIndex: 2, ready: 5 };
