import { timingSafeEqual } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { Role } from "../../../src/gen/hydra/v1/options_pb.ts";
import { CreateTokenRequestSchema } from "../../../src/gen/hydra/v1/token_pb.ts";
import { wantedToken } from "../../../src/server/access/token-request.ts";
import { hashOf, newToken, partsOf } from "../../../src/server/access/token-text.ts";

test("a new token: its text has the id, and a secret of 256 bits of which only the hash is kept", () => {
  const { id, text, secretHash } = newToken();
  const parts = partsOf(text);
  expect(parts).toEqual({ id, secret: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(timingSafeEqual(hashOf(parts?.secret ?? ""), secretHash)).toBe(true);
  expect(text).not.toContain(secretHash.toString("hex"));
  expect(newToken().text).not.toBe(text);
});

test.each(["", "hydra_", "any", "hydra_0123456789abcdef_short", `x${newToken().text}`, `${newToken().text}0`])(
  "%j: no token of ours",
  (text) => {
    expect(partsOf(text)).toBeUndefined();
  },
);

const VIEWER = { name: "ci", role: Role.VIEWER };
const AGENT = { name: "agent", role: Role.AGENT, regionId: "eu-1" };

test.each([
  [VIEWER, { name: "ci", role: "viewer", regionId: "", expiresInMs: undefined }],
  [AGENT, { name: "agent", role: "agent", regionId: "eu-1", expiresInMs: undefined }],
  [
    { ...VIEWER, expiresIn: { seconds: 60n } },
    { name: "ci", role: "viewer", regionId: "", expiresInMs: 60_000 },
  ],
])("a token can be like %o", (request, wanted) => {
  expect(wantedToken(create(CreateTokenRequestSchema, request))).toEqual(wanted);
});

test.each([
  [{ ...VIEWER, name: "" }, 'token name "": accepted are'],
  [{ ...VIEWER, name: "-ci" }, "accepted are"],
  [{ ...VIEWER, name: "x".repeat(64) }, "accepted are"],
  [{ ...VIEWER, name: "env" }, "choose another"],
  [{ ...VIEWER, name: "anonymous" }, "choose another"],
  [{ name: "ci" }, "role is missing"],
  [{ ...VIEWER, role: 9 as Role }, "role is missing"],
  [{ ...VIEWER, regionId: "eu-1" }, "is for agents alone"],
  [{ ...AGENT, regionId: "" }, "region_id is required"],
  [{ ...AGENT, regionId: "eu\n1" }, "no control characters"],
  [{ ...VIEWER, expiresIn: { seconds: 59n } }, "expires_in is 59 s: accepted is a minute"],
  [{ ...VIEWER, expiresIn: { seconds: 10n ** 12n } }, "to 3650 days"],
])("a token cannot be like %o", (request, words) => {
  expect(() => wantedToken(create(CreateTokenRequestSchema, request))).toThrow(words);
});
