// The shop: an engine with one handler, and a Connect service in front of it. Started by main.ts; any number of these may
// run on one database.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import pg from "pg";
import { anyHandler, createEngine, type Engine, TerminalError } from "../../src/engine/index.ts";
import { OrderService } from "./gen/acme/orders/v1/orders_pb.ts";
import { type Ending, order, toResponse } from "./order.ts";

const databaseUrl = process.env["DATABASE_URL"] ?? "";
const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 });
// A connection that breaks while nobody uses it: the next query opens another one.
pool.on("error", () => {});
const engine = createEngine({ databaseUrl, handlers: [anyHandler(order)] });
await engine.start();

const server = createServer(
  connectNodeAdapter({
    routes: (router) =>
      router.service(OrderService, {
        async placeOrder({ orderId, item, quantity, payWithinSeconds }) {
          await told(
            engine.invoke({ ...callOf(orderId), input: { item, quantity, payWithinSeconds }, idempotencyKey: orderId }),
          );
          return {};
        },
        async confirmPayment({ orderId, reference }) {
          const { rows } = await pool.query<{ payment: string }>("select payment from orders where id = $1", [orderId]);
          if (!rows[0]) throw new ConnectError(`order ${orderId} does not wait for a payment`, Code.NotFound);
          await engine.resolveAwakeable(rows[0].payment, JSON.stringify(reference));
          return {};
        },
        async awaitOrder({ orderId }, { signal }) {
          return toResponse(await endingOf(engine, orderId, signal));
        },
      }),
  }),
);
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.once("SIGTERM", () => void stop());
process.once("disconnect", () => void stop());

async function endingOf(from: Engine, orderId: string, signal: AbortSignal): Promise<Ending> {
  const invocationId = await from.lookup({ ...callOf(orderId), idempotencyKey: orderId });
  const outcome = invocationId === undefined ? undefined : await from.attach(invocationId, signal);
  if (!outcome) throw new ConnectError(`there is no order ${orderId}`, Code.NotFound);
  if (!outcome.ok) throw new ConnectError(outcome.message, Code.Aborted);
  return order.output.decode(outcome.output);
}

function callOf(orderId: string) {
  return { service: order.service, handler: order.name, key: orderId };
}

/** The engine's refusals in Connect's words. */
async function told(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    throw new ConnectError(error.message, error.kind === "invalid" ? Code.InvalidArgument : Code.Unavailable);
  }
}

async function stop(): Promise<void> {
  server.close();
  server.closeAllConnections();
  await engine.stop();
  await pool.end();
  process.exit(0);
}
