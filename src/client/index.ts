// The client package: `import { createHydraClient } from "@hydra-rollout/hydra/client"`.

// What calls throw, so that a program can tell errors by their code without naming another package.
export { Code, ConnectError } from "@connectrpc/connect";
export {
  createHydraClient,
  type HydraClient,
  type HydraClientOptions,
  hydraClientOf,
  IDEMPOTENCY_KEY_HEADER,
} from "./hydra-client.ts";
export { authorityFromFile, trustedBesides } from "./authority.ts";
export { tokenFromFile, type TokenSource } from "./token-file.ts";
// Every service, message and enum, with its schema, by name.
export * from "./messages.ts";
