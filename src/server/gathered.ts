import { setImmediate as nextTurn } from "node:timers/promises";

/** A chunk is not made larger than this by gathering. */
const ENOUGH_BYTES = 64 * 1024;

/**
 * The same bytes in fewer chunks: what is there within one turn of the event
 * loop goes out together. A stream of many small messages otherwise costs its
 * reader more for the chunks than for what is in them.
 *
 * Reads ahead of its reader by one chunk of its own and one of the body's.
 */
export async function* gathered(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  try {
    for (let next = iterator.next(); ;) {
      const first = await next;
      if (first.done) return;
      const parts = [first.value];
      let size = first.value.byteLength;
      const turn = nextTurn();
      for (next = iterator.next(); size < ENOUGH_BYTES; next = iterator.next()) {
        // What fails is told by the turn of the loop that waits for it.
        const part = await Promise.race([next.catch(() => undefined), turn]);
        if (!part || part.done) break;
        parts.push(part.value);
        size += part.value.byteLength;
      }
      yield parts.length === 1 ? first.value : Buffer.concat(parts, size);
    }
  } finally {
    await iterator.return?.();
  }
}
