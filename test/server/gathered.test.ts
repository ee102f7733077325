import { describe, expect, test } from "vitest";
import { gathered } from "../../src/server/gathered.ts";

const bytes = (text: string) => Buffer.from(text);
const texts = async (body: AsyncIterable<Uint8Array>) => {
  const all: string[] = [];
  for await (const chunk of body) all.push(Buffer.from(chunk).toString());
  return all;
};

describe("a body of many small messages", () => {
  test("those that are there in one turn of the loop: go out in one chunk, in order", async () => {
    async function* body() {
      yield bytes("a");
      yield bytes("b");
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      yield bytes("c");
      yield bytes("d");
    }
    expect(await texts(gathered(body()))).toEqual(["ab", "cd"]);
  });

  test("more than 64 KiB at once: in chunks of about that", async () => {
    async function* body() {
      for (let i = 0; i < 10; i++) yield Buffer.alloc(20 * 1024, i);
    }
    const sizes = (await texts(gathered(body()))).map((text) => text.length / 1024);
    expect(sizes).toEqual([80, 80, 40]);
  });

  test("nothing more comes for now: what is there does not wait for it", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    async function* body() {
      yield bytes("a");
      await promise;
      yield bytes("b");
    }
    const reader = gathered(body());
    expect((await reader.next()).value).toEqual(bytes("a"));
    resolve();
    expect((await reader.next()).value).toEqual(bytes("b"));
    expect((await reader.next()).done).toBe(true);
  });

  test("it fails: what came before goes out, then the failure", async () => {
    async function* body() {
      yield bytes("a");
      throw new Error("broken");
    }
    const reader = gathered(body());
    expect((await reader.next()).value).toEqual(bytes("a"));
    await expect(reader.next()).rejects.toThrow("broken");
  });

  test("its reader leaves: it is ended", async () => {
    let ended = false;
    async function* body() {
      try {
        for (;;) yield bytes("a".repeat(64 * 1024));
      } finally {
        ended = true;
      }
    }
    for await (const chunk of gathered(body())) {
      expect(chunk.byteLength).toBe(64 * 1024);
      break;
    }
    expect(ended).toBe(true);
  });
});
