// What an order writes to the shop's own tables: each row of an effect commits together with the journal entry of its
// order, so it happens exactly once.

import { defineEffect } from "../../src/engine/index.ts";

/** Takes from the stock. Misses where there is not enough. */
export const reserveStock = defineEffect<{ item: string; quantity: number }, { left: number }>({
  name: "reserve_stock",
  input: { item: "text", quantity: "int4" },
  output: { left: "int4" },
  record: ({ item }) => item,
  sql: `
update stock as s set available = s.available - input.quantity
  from $input
 where s.item = input.item and s.available >= input.quantity
returning input.ord, s.available`,
});

/** Gives back what was taken. */
export const releaseStock = defineEffect<{ item: string; quantity: number }, { left: number }>({
  name: "release_stock",
  input: { item: "text", quantity: "int4" },
  output: { left: "int4" },
  record: ({ item }) => item,
  sql: `
update stock as s set available = s.available + input.quantity
  from $input
 where s.item = input.item
returning input.ord, s.available`,
});

/** Says where an order stands, and what its payment completes. */
export const noteOrder = defineEffect<{ orderId: string; status: string; payment: string }, { id: string }>({
  name: "note_order",
  input: { orderId: "text", status: "text", payment: "text" },
  output: { id: "text" },
  record: ({ orderId }) => orderId,
  sql: `
with noted as (
  insert into orders as o (id, status, payment) select order_id, status, payment from $input
  on conflict (id) do update set status = excluded.status
  returning o.id
)
select input.ord, noted.id from noted join $input on input.order_id = noted.id`,
});
