import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { idByPlace, isSentinelId } from "../../../../src/cli/import/from-cluster/adopted-id.ts";

const idOf = (namespace: string, name: string, region: string) => idByPlace({ namespace, name }, region);

describe("the id of a Deployment without a label", () => {
  test.each([
    ["short names: they are the id, the name first", ["prod", "api", "eu-1"], "api.prod.eu-1"],
    [
      "more than 63 characters: cut, with a hash of the whole",
      ["a-namespace-of-somebody-who-likes-long-names", "a-sentinel-with-a-name", "eu-west-1"],
      "a-sentinel-with-a-name.a-namespace-of-somebody-who-lik-5875168d",
    ],
    ["a region with other characters: a hash, too", ["prod", "api", "eu/1 "], "api.prod.eu-1--1206eb63"],
  ] as const)("%s", (_situation, [namespace, name, region], id) => {
    expect(idOf(namespace, name, region)).toBe(id);
  });

  test("two long names that begin alike: two ids", () => {
    const long = "x".repeat(63);
    expect(idOf(long, `${"y".repeat(60)}-1`, "eu-1")).not.toBe(idOf(long, `${"y".repeat(60)}-2`, "eu-1"));
  });

  test("any names that Kubernetes allows, and any region: an id that hydra takes, the same each time", () => {
    const namespace = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
    const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/);
    fc.assert(
      fc.property(namespace, name, fc.string({ minLength: 1 }), (...[inside, called, region]) => {
        const id = idOf(inside, called, region);
        return isSentinelId(id) && id === idOf(inside, called, region);
      }),
    );
  });
});
