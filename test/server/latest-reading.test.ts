import { expect, test } from "vitest";
import { LatestReading } from "../../src/server/latest-reading.ts";

/** Readings that the test answers. */
function openReadings() {
  const asked: PromiseWithResolvers<string>[] = [];
  const read = () => {
    const one = Promise.withResolvers<string>();
    asked.push(one);
    return one.promise;
  };
  return { asked, read };
}

test("many ask at once: one reading, one answer", async () => {
  const { asked, read } = openReadings();
  const reading = new LatestReading({ read, freshMs: 60_000, limitMs: 60_000 });
  const answers = Promise.all(Array.from({ length: 100 }, () => reading.latest()));
  asked[0]?.resolve("it");
  expect(new Set(await answers)).toEqual(new Set(["it"]));
  expect(await reading.latest()).toBe("it");
  expect(asked).toHaveLength(1);
});

test("an answer that is no longer fresh: read again", async () => {
  const { asked, read } = openReadings();
  const reading = new LatestReading({ read, freshMs: -1, limitMs: 60_000 });
  const first = reading.latest();
  // Not before the first one is answered, however old it is.
  expect(reading.latest()).toBe(first);
  asked[0]?.resolve("old");
  expect(await first).toBe("old");
  const second = reading.latest();
  asked[1]?.resolve("new");
  expect(await second).toBe("new");
});

test("no answer in time, or a failure: undefined, and asked again later", async () => {
  const { asked, read } = openReadings();
  const reading = new LatestReading({ read, freshMs: -1, limitMs: 5 });
  expect(await reading.latest()).toBeUndefined();
  asked[0]?.resolve("too late");
  const second = reading.latest();
  asked[1]?.reject(new Error("away"));
  expect(await second).toBeUndefined();
  const third = reading.latest();
  asked[2]?.resolve("back");
  expect(await third).toBe("back");
});
