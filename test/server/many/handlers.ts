import { setTimeout as delay } from "node:timers/promises";
import { create, type DescMessage, fromJsonString, type MessageShape, toJsonString } from "@bufbuild/protobuf";
import {
  type AnyHandler,
  anyHandler,
  type Codec,
  defineEffect,
  defineHandler,
  jsonCodec,
} from "../../../src/engine/index.ts";
import * as rollouts from "../../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import * as sentinels from "../../../src/gen/hydra/v1/sentinel_pb.ts";
import { ROLLOUTS, SENTINELS } from "../serving.ts";

// What servers in processes of their own run: their handlers note in a table
// what they do, in which order, and in which process.

export const RUNS_TABLE = `create table runs
  (id bigint generated always as identity, key text, name text, phase text, pid integer)`;

const noteRun = defineEffect<{ key: string; name: string; phase: string; pid: number }, object>({
  name: "note_run",
  input: { key: "text", name: "text", phase: "text", pid: "int4" },
  output: {},
  sql: `with noted as (insert into runs (key, name, phase, pid)
                       select key, name, phase, pid from $input order by ord)
        select ord from $input`,
});

/** What an image or an id says: how many calls, and how long each takes. */
export const workload = (calls: number, ms: number) => `${calls}x${ms}`;

function read(text: string): { calls: number; ms: number } {
  const [calls = 0, ms = 0] = text.split("x").map(Number);
  return { calls, ms };
}

const work = defineHandler<number, null>({
  service: SENTINELS,
  name: "Work",
  kind: "shared",
  public: false,
  input: jsonCodec<number>(),
  output: jsonCodec<null>(),
  async run(ctx, ms) {
    await ctx.run("work", () => delay(ms));
    await ctx.tx(noteRun, { key: "work", name: ctx.key, phase: "done", pid: process.pid });
    return null;
  },
});

/** `Deploy` notes its beginning and its end; `Rollout` fans work out; `NotifyReady` is work for itself. */
export function manyHandlers(): AnyHandler[] {
  return [
    anyHandler(work),
    anyHandler(
      defineHandler({
        service: SENTINELS,
        name: "Deploy",
        kind: "exclusive",
        public: true,
        input: codec(sentinels.SentinelServiceDeployRequestSchema),
        output: codec(sentinels.SentinelServiceDeployResponseSchema),
        async run(ctx, { image: name }) {
          await ctx.tx(noteRun, { key: ctx.key, name, phase: "begin", pid: process.pid });
          await ctx.tx(noteRun, { key: ctx.key, name, phase: "end", pid: process.pid });
          return create(sentinels.SentinelServiceDeployResponseSchema, { reason: name });
        },
      }),
    ),
    anyHandler(
      defineHandler({
        service: SENTINELS,
        name: "NotifyReady",
        kind: "shared",
        public: true,
        input: codec(sentinels.SentinelServiceNotifyReadyRequestSchema),
        output: codec(sentinels.SentinelServiceNotifyReadyResponseSchema),
        async run(ctx) {
          const name = await ctx.run("work", async () => (await delay(read(ctx.key).ms), ctx.invocationId));
          await ctx.tx(noteRun, { key: "work", name, phase: "done", pid: process.pid });
          return create(sentinels.SentinelServiceNotifyReadyResponseSchema);
        },
      }),
    ),
    anyHandler(
      defineHandler({
        service: ROLLOUTS,
        name: "Rollout",
        kind: "exclusive",
        public: true,
        input: codec(rollouts.SentinelRolloutServiceRolloutRequestSchema),
        output: codec(rollouts.SentinelRolloutServiceRolloutResponseSchema),
        async run(ctx, { image }) {
          const { calls, ms } = read(image);
          const { succeeded } = await ctx.fanOut(
            work,
            Array.from({ length: calls }, (_, i) => ({ key: `w${i}`, input: ms })),
          );
          return create(rollouts.SentinelRolloutServiceRolloutResponseSchema, { rolloutId: String(succeeded) });
        },
      }),
    ),
    anyHandler(
      defineHandler({
        service: ROLLOUTS,
        name: "Cancel",
        kind: "shared",
        public: true,
        input: codec(rollouts.SentinelRolloutServiceCancelRequestSchema),
        output: codec(rollouts.SentinelRolloutServiceCancelResponseSchema),
        async run(ctx) {
          await ctx.tx(noteRun, { key: "work", name: "cancel", phase: "done", pid: process.pid });
          return create(rollouts.SentinelRolloutServiceCancelResponseSchema);
        },
      }),
    ),
  ];
}

function codec<Desc extends DescMessage>(schema: Desc): Codec<MessageShape<Desc>> {
  return {
    encode: (message) => toJsonString(schema, message),
    decode: (text) => fromJsonString(schema, text),
  };
}
