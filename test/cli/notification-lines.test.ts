import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { notificationLines } from "../../src/cli/notification-lines.ts";
import { createStyle } from "../../src/cli/terminal.ts";
import {
  NotificationsSchema,
  RolloutSchema,
  SentinelRolloutState as State,
} from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { hydra } from "./hydra-in-process.ts";
import { at } from "./recorded-fleet.ts";
import { plan } from "./recorded-rollout.ts";
import { startScriptedServer } from "./scripted-server.ts";

refuseLeaks();

const canvas = { columns: 80, style: createStyle({ color: false, unicode: true }) };
const failed = {
  enabled: true,
  sent: 1_200,
  waiting: 3,
  dropped: 1,
  lastFailure: "it answers 404: no_\u0007service",
  lastFailureAt: at(4),
};

describe("messages to the webhook", () => {
  test("none is configured: not a word", () => {
    expect(notificationLines(undefined, canvas)).toEqual([]);
    expect(notificationLines(create(NotificationsSchema, { sent: 3 }), canvas)).toEqual([]);
  });

  test.each([
    ["some wait", { enabled: true, sent: 12, waiting: 3 }, ["webhook  12 sent, 3 waiting"]],
    ["none yet", { enabled: true }, ["webhook  0 sent"]],
    [
      "the last try failed",
      failed,
      [
        "webhook  1,200 sent, 3 waiting, 1 given up",
        "The webhook did not get 1 message. The last try failed at 12:04:05: it answers",
        "404: no_ service",
      ],
    ],
    [
      "some were given up",
      { enabled: true, dropped: 2 },
      ["webhook  0 sent, 2 given up", "The webhook did not get 2 messages."],
    ],
  ])("%s: counts, and a warning where one is due", (_, notifications, lines) => {
    expect(notificationLines(create(NotificationsSchema, notifications), canvas)).toEqual(["", ...lines]);
  });
});

test("hydra status of a paused rollout with a webhook: says what can be done next, and what the webhook got", async () => {
  const rollout = create(RolloutSchema, {
    ...plan,
    state: State.PAUSED,
    ready: 1,
    currentWave: 0,
    notifications: create(NotificationsSchema, failed),
  });
  await using server = await startScriptedServer({
    events: [],
    service: { getRollout: () => ({ rollout }), listRolloutTargets: () => ({}) },
  });
  const { printed, complaints, exitCode } = await hydra(server.url, ["status"]);
  expect({ complaints, exitCode }).toEqual({ complaints: [], exitCode: 0 });
  expect(printed.join("\n")).toMatch(/hydra resume [^]*hydra cancel [^]*webhook {2}1,200 sent, 3 waiting, 1 given up/);
});
