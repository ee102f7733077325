import { z } from "zod";

/** Which invocation the body of a request asks for. */
export const targetSchema = z.discriminatedUnion("target", [
  z.strictObject({ target: z.literal("invocation"), invocationId: z.string() }),
  z.strictObject({
    target: z.literal("idempotentInvocation"),
    service: z.string(),
    key: z.string().default(""),
    handler: z.string(),
    idempotencyKey: z.string(),
  }),
]);
