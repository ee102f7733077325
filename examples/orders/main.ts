// `node examples/orders/main.ts`: four orders of a shop, one of which outlives a server that is killed with -9. Brings its
// own Postgres unless DATABASE_URL names one.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import pg from "pg";
import { startEmbeddedPostgres } from "../../src/postgres/index.ts";
import { OrderService, OrderStateSchema } from "./gen/acme/orders/v1/orders_pb.ts";

const here = import.meta.dirname;
const dataDir = path.join(here, ".data");

interface Shop {
  readonly client: Client<typeof OrderService>;
  readonly process: ChildProcess;
}

await using postgres = await openPostgres();
await onDatabase(async (client) => client.query(await readFile(path.join(here, "schema.sql"), "utf8")));
const run = Date.now().toString(36);
const stockBefore = await stock();
let shop = await openShop();

await place(`${run}-1`, "cup");
await pay(`${run}-1`);
await tell(`${run}-1`, "paid");

await place(`${run}-2`, "cup", 1);
await tell(`${run}-2`, "never paid");

await place(`${run}-3`, "cup");
await waitsForPayment(`${run}-3`);
shop.process.kill("SIGKILL");
await once(shop.process, "exit");
shop = await openShop();
await pay(`${run}-3`);
await tell(`${run}-3`, "paid after its server was killed with -9 and another one started");

await place(`${run}-4`, "vase");
await pay(`${run}-4`);
await tell(`${run}-4`, "paid, and cannot be shipped");

const taken = (item: string) => (stockBefore[item] ?? 0) - (stockAfter[item] ?? 0);
const stockAfter = await stock();
console.log(`taken from the stock: ${taken("cup")} cups, ${taken("vase")} vases`);
shop.process.kill("SIGTERM");
await once(shop.process, "exit");

async function openShop(): Promise<Shop> {
  const child = fork(path.join(here, "server.ts"), { env: { ...process.env, DATABASE_URL: postgres.url } });
  const [port] = (await once(child, "message")) as [number];
  const transport = createConnectTransport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion: "1.1" });
  return { client: createClient(OrderService, transport), process: child };
}

async function place(orderId: string, item: string, payWithinSeconds = 60): Promise<void> {
  await shop.client.placeOrder({ orderId, item, quantity: 1, payWithinSeconds });
}

async function pay(orderId: string): Promise<void> {
  await waitsForPayment(orderId);
  await shop.client.confirmPayment({ orderId, reference: `bank-${orderId}` });
}

async function tell(orderId: string, story: string): Promise<void> {
  const { state, note } = await shop.client.awaitOrder({ orderId });
  const word = OrderStateSchema.value[state]?.localName.toLowerCase();
  console.log(`an order that is ${story}: ${word}, ${note}`);
}

/** A shop would have its customer come back with the payment; here the order is asked for until it waits. */
async function waitsForPayment(orderId: string): Promise<void> {
  await onDatabase(async (client) => {
    for (let found = 0; found === 0;) {
      found = (await client.query("select from orders where id = $1", [orderId])).rowCount ?? 0;
    }
  });
}

async function stock(): Promise<Record<string, number>> {
  return onDatabase(async (client) => {
    const { rows } = await client.query<{ item: string; available: number }>("select item, available from stock");
    return Object.fromEntries(rows.map(({ item, available }) => [item, available]));
  });
}

async function onDatabase<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function openPostgres(): Promise<{ url: string } & AsyncDisposable> {
  const given = process.env["DATABASE_URL"];
  if (given !== undefined) return { url: given, [Symbol.asyncDispose]: () => Promise.resolve() };
  const embedded = await startEmbeddedPostgres({ dataDir });
  return {
    url: embedded.url,
    async [Symbol.asyncDispose]() {
      await embedded.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
