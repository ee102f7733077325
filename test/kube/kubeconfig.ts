import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { KubeConfig } from "@kubernetes/client-node";

export interface Access {
  /** `https://127.0.0.1:PORT`. */
  readonly server: string;
  /** PEM. */
  readonly certificate: string;
  readonly user: string;
  readonly token: string;
}

/** Writes a kubeconfig for one user of one cluster. */
export async function writeKubeconfig(file: string, { server, certificate, user, token }: Access): Promise<void> {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    clusters: [
      {
        name: "test",
        cluster: { server, "certificate-authority-data": Buffer.from(certificate).toString("base64") },
      },
    ],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user } }],
  };
  // JSON is YAML.
  await writeFile(file, JSON.stringify(config, null, 2), { mode: 0o600 });
}

export function readKubeconfig(file: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromString(readFileSync(file, "utf8"));
  return config;
}
