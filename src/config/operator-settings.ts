import { parseHttpUrl, parseText } from "./parsers.ts";
import { optional, required } from "./setting.ts";

/** What commands that speak to a server read, agents among them. */
export const operatorSettings = {
  url: required({
    name: "HYDRA_URL",
    meaning: "Server that the commands of an operator speak to.",
    readBy: "operators",
    default: "http://127.0.0.1:8080",
    parse: parseHttpUrl,
  }),
  token: optional({
    name: "HYDRA_TOKEN",
    meaning: "Bearer token that the commands of an operator send.",
    readBy: "operators",
    secret: true,
    parse: parseText,
  }),
  caFile: optional({
    name: "HYDRA_CA_FILE",
    meaning: "File (PEM) with the authority of the server's certificate, trusted besides those of the system.",
    readBy: "operators",
    parse: parseText,
  }),
  tokenFile: optional({
    name: "HYDRA_TOKEN_FILE",
    meaning: "File with that token, read again for every call. HYDRA_TOKEN goes before it.",
    readBy: "operators",
    parse: parseText,
  }),
};
