import { create } from "@bufbuild/protobuf";
import { type Context, defineHandler, jsonCodec, TerminalError } from "../../src/engine/index.ts";
import { noteOrder, releaseStock, reserveStock } from "./effects.ts";
import { AwaitOrderResponseSchema, OrderState, type PlaceOrderRequest } from "./gen/acme/orders/v1/orders_pb.ts";

export type Order = Pick<PlaceOrderRequest, "item" | "quantity" | "payWithinSeconds">;

export interface Ending {
  readonly state: OrderState;
  readonly note: string;
}

/**
 * One order, from its stock to its parcel. It is a plain function; the engine
 * repeats it from its journal after a crash, so that it goes on where it was.
 */
export const order = defineHandler<Order, Ending>({
  service: "acme.orders.v1.OrderService",
  name: "PlaceOrder",
  kind: "exclusive",
  public: true,
  input: jsonCodec(),
  output: jsonCodec(),
  accept({ item, quantity }) {
    if (item === "" || quantity < 1) throw new TerminalError("order something, and one of it at least", "invalid");
    return {};
  },
  async run(ctx, { item, quantity, payWithinSeconds }) {
    if ((await ctx.tx(reserveStock, { item, quantity })) === null) return cancelled(`there is not enough of ${item}`);
    const reference = await paid(ctx, payWithinSeconds * 1_000);
    if (reference === undefined) {
      await ctx.tx(releaseStock, { item, quantity });
      return cancelled("it was not paid in time");
    }
    try {
      const parcel = await ctx.run("ship", () => ship(ctx.key, item));
      return { state: OrderState.SHIPPED, note: `in parcel ${parcel}` };
    } catch (error) {
      // All other errors are tried again by the engine; this one is the order's end, so what was done is undone.
      if (!(error instanceof TerminalError)) throw error;
      await ctx.run("refund", () => refund(reference));
      await ctx.tx(releaseStock, { item, quantity });
      return cancelled(`${error.message}; the money is back`);
    }
  },
});

/** Reference of the payment; undefined: it did not come in time. */
async function paid(ctx: Context, withinMs: number): Promise<string | undefined> {
  const payment = ctx.awakeable<string>();
  await ctx.tx(noteOrder, { orderId: ctx.key, status: "waits for payment", payment: payment.id });
  const { index } = await ctx.race([payment.value, ctx.sleep(withinMs)]);
  return index === 0 ? await payment.value : undefined;
}

function cancelled(note: string): Ending {
  return { state: OrderState.CANCELLED, note };
}

/** Stands for a call to the parcel service. */
function ship(orderId: string, item: string): string {
  if (item === "vase") throw new TerminalError("no parcel service takes a vase", "invalid");
  return `P-${orderId}`;
}

/** Stands for a call to the bank, which knows by the reference whether it did it before. */
function refund(_reference: string): void {}

export function toResponse(ending: Ending) {
  return create(AwaitOrderResponseSchema, { state: ending.state, note: ending.note });
}
