import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { getCACertificates } from "node:tls";
import { Code, ConnectError } from "@connectrpc/connect";

/**
 * The certificates of authorities in a file of PEM, as `createHydraClient` takes them.
 *
 * @throws ConnectError naming the file, where there are none in it.
 */
export function authorityFromFile(path: string): string {
  const pem = textIn(path);
  if (!startsWithCertificate(pem)) throw badFile(path, "has no certificate that can be read");
  return pem;
}

function startsWithCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    return false;
  }
}

/** Whom a client trusts that was told of an authority: besides it everybody whom Node and the system trust. */
export function trustedBesides(authority: string): { ca: string[] } {
  return { ca: [...getCACertificates("default"), ...getCACertificates("system"), authority] };
}

function textIn(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw badFile(path, `cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function badFile(path: string, problem: string): ConnectError {
  return new ConnectError(
    `the file of authorities ${path} (HYDRA_CA_FILE) ${problem}: accepted is PEM`,
    Code.InvalidArgument,
  );
}
