import diagnostics from "node:diagnostics_channel";
import { once } from "node:events";
import net from "node:net";
import { expect, test } from "vitest";
import { createClient } from "@connectrpc/connect";
import { SentinelRolloutService } from "../../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { serve } from "../serving.ts";
import { EventLog } from "./event-log.ts";

refuseLeaks();

const EVENTS = 4_000;
const PAGE = 200;
/** In each event: all of them are more than sockets take. */
const PADDING = "x".repeat(3_000);
const WATCH = "/hydra.v1.SentinelRolloutService/Watch";

/** A Watch over a connection of its own, as a client that does not read has it. */
async function watchWithoutReading(port: number): Promise<{ client: net.Socket; server: net.Socket }> {
  const accepted = Promise.withResolvers<net.Socket>();
  const onSocket = (message: unknown) => accepted.resolve((message as { socket: net.Socket }).socket);
  diagnostics.subscribe("net.server.socket", onSocket);
  const client = net.connect(port, "127.0.0.1");
  client.pause();
  await once(client, "connect");
  const server = await accepted.promise;
  diagnostics.unsubscribe("net.server.socket", onSocket);
  const message = Buffer.from('{"afterSequence":"0"}');
  const envelope = Buffer.alloc(5);
  envelope.writeUInt32BE(message.length, 1);
  client.write(
    `POST ${WATCH} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/connect+json\r\n` +
      `connect-protocol-version: 1\r\ncontent-length: ${message.length + 5}\r\n\r\n`,
  );
  client.write(Buffer.concat([envelope, message]));
  return { client, server };
}

test("a client that does not read its Watch: the server buffers little for it, others go on, and it gets every event later", async () => {
  await using serving = await serve();
  await using log = new EventLog(serving.databaseUrl);
  const { client, server } = await watchWithoutReading(serving.server.port);
  // The largest that was waiting for this client in the process.
  let buffered = 0;
  for (let i = 0; i < EVENTS; i += PAGE) {
    await log.add(Array.from({ length: PAGE }, (_, j) => ({ rolloutId: "rol_a", sentinelId: `${PADDING}${i + j}` })));
    buffered = Math.max(buffered, server.writableLength);
  }
  let latest = 0n;
  for await (const { message } of createClient(SentinelRolloutService, serving.server.transport).watch({
    afterSequence: 0n,
  })) {
    buffered = Math.max(buffered, server.writableLength);
    if (message.case === "event") latest = message.value.sequence;
    if (latest === BigInt(EVENTS)) break;
  }
  expect(server.bytesWritten).toBeGreaterThan(0);
  // What sockets do not take is not made.
  expect(server.bytesWritten).toBeLessThan((EVENTS * PADDING.length) / 1.5);
  expect(buffered).toBeLessThan(1024 * 1024);
  let seen = 0;
  let text = "";
  client.setEncoding("latin1");
  client.on("data", (chunk: string) => {
    text += chunk;
    const found = [...text.matchAll(/"sequence":"(\d+)"/g)];
    for (const [, sequence] of found) seen = Number(sequence) === seen + 1 ? seen + 1 : Number.NaN;
    // The rest may be the beginning of the next one.
    const last = found.at(-1);
    if (last) text = text.slice(last.index + last[0].length);
  });
  client.resume();
  await eventually(() => expect(seen).toBe(EVENTS), { timeoutMs: 60_000 });
  client.destroy();
}, 120_000);
