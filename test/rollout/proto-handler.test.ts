import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  SentinelRolloutService,
  SentinelRolloutServiceRolloutRequestSchema,
  SentinelRolloutServiceRolloutResponseSchema,
  SentinelRolloutState,
} from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { rolloutHandlers } from "../../src/rollout/index.ts";
import { protoCodec, protoHandler } from "../../src/rollout/proto-handler.ts";

const options = {
  deployTimeoutMs: 1_000,
  allowedWebhookHosts: [],
  hasDefaultWebhook: false,
  log: { info() {}, warn() {} },
};

describe("rolloutHandlers", () => {
  test("kinds and names come from the proto files; the inner ones are not public", () => {
    const handlers = rolloutHandlers(options).map(({ service, name, kind, public: isPublic }) => [
      `${service}/${name}`,
      kind,
      isPublic,
    ]);
    expect(handlers).toEqual([
      ["hydra.v1.SentinelRolloutService/Rollout", "exclusive", true],
      ["hydra.v1.SentinelRolloutService/Resume", "exclusive", true],
      ["hydra.v1.SentinelRolloutService/Cancel", "shared", true],
      ["hydra.v1.SentinelRolloutService/RollbackAll", "exclusive", true],
      ["hydra.v1.SentinelService/Deploy", "exclusive", true],
      ["hydra.v1.SentinelService/NotifyReady", "shared", true],
      ["hydra.v1.SentinelService/DeployTarget", "exclusive", false],
      ["hydra.v1.SentinelService/RevertTarget", "exclusive", false],
    ]);
  });

  test("a deploy timeout that cannot work: refused at the start", () => {
    expect(() => rolloutHandlers({ ...options, deployTimeoutMs: 0 })).toThrow("deploy timeout");
  });
});

describe("protoHandler", () => {
  const { method } = SentinelRolloutService;
  const respond = async () => create(SentinelRolloutServiceRolloutResponseSchema);

  test("a query: is no handler of the engine", () => {
    const getRollout = method.getRollout as unknown as typeof method.rollout;
    expect(() => protoHandler(getRollout, { run: respond })).toThrow("GetRollout");
  });

  test("another key than the literal one: refused as invalid, naming both", () => {
    const handler = protoHandler(method.rollout, { run: respond });
    const input = create(SentinelRolloutServiceRolloutRequestSchema, { image: "a" });
    expect(() => handler.accept?.(input, { key: "other", invocationId: "inv_1" })).toThrow(/'singleton'.*'other'/);
    expect(handler.accept?.(input, { key: "singleton", invocationId: "inv_1" })).toEqual({});
  });
});

describe("protoCodec", () => {
  const request = protoCodec(SentinelRolloutServiceRolloutRequestSchema);
  const response = protoCodec(SentinelRolloutServiceRolloutResponseSchema);

  test("either spelling and numbers as text: decoded", () => {
    expect(request.decode('{"image":"a","wave_percentages":[10,"100"]}').wavePercentages).toEqual([10, 100]);
    expect(request.decode('{"image":"a","wavePercentages":[100]}').wavePercentages).toEqual([100]);
  });

  test("encoded: enums by name, zero values left out", () => {
    const message = create(SentinelRolloutServiceRolloutResponseSchema, { state: SentinelRolloutState.COMPLETED });
    expect(JSON.parse(response.encode(message))).toEqual({ state: "SENTINEL_ROLLOUT_STATE_COMPLETED" });
  });

  test.each(['{"imag":"a"}', '{"image":5}', "{bad", "[]", '{"wavePercentages":["x"]}', ""])(
    "%s: refused as invalid",
    (text) => {
      expect(() => request.decode(text)).toThrow(expect.objectContaining({ kind: "invalid" }));
    },
  );

  test("malformed JSON with a secret in it: the message has none of it", () => {
    expect(() => request.decode('{"slack_webhook_url":"https://secret"')).not.toThrow("secret");
  });
});
