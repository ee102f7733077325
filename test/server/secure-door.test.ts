import { once } from "node:events";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import tls from "node:tls";
import { pino } from "pino";
import { expect, test } from "vitest";
import { listenOnOnePort } from "../../src/server/one-port.ts";
import { TestAuthority } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";

refuseLeaks();

/** Name that the certificate served to new connections is for. */
async function servedName(port: number, caFile: string): Promise<string> {
  const socket = tls.connect({ port, host: "127.0.0.1", ca: readFileSync(caFile) });
  await once(socket, "secureConnect");
  const name = String(socket.getPeerCertificate().subject.CN);
  socket.destroy();
  await once(socket, "close");
  return name;
}

test("T1: files that are replaced: bad ones leave the old certificate and are told once, good ones are served", async () => {
  await using directory = await createTemporaryDirectory();
  const authority = new TestAuthority(directory.path);
  const [first, second] = [authority.issue("first"), authority.issue("second")];
  const files = { certFile: path.join(directory.path, "tls.crt"), keyFile: path.join(directory.path, "tls.key") };
  const use = ({ certFile, keyFile }: typeof files) => {
    copyFileSync(keyFile, files.keyFile);
    copyFileSync(certFile, files.certFile);
  };
  use(first);
  const logged: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => void logged.push(line) });
  const handler = () => {};
  const port = await listenOnOnePort({ host: "127.0.0.1", port: 0, handler, log, tls: files, certificateLookMs: 5 });
  try {
    expect(await servedName(port.port, authority.caFile)).toBe("first");
    writeFileSync(files.certFile, "no certificate");
    await eventually(() => logged.length > 0);
    expect(await servedName(port.port, authority.caFile)).toBe("first");
    expect(logged.filter((line) => line.includes("has no certificate"))).toHaveLength(1);
    use(second);
    await eventually(async () => (await servedName(port.port, authority.caFile)) === "second");
  } finally {
    await port.close();
  }
});
