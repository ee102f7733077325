import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";

/** Where the server's certificate is. */
export interface TlsFiles {
  /** PEM: the certificate, then those between it and its authority. */
  readonly certFile: string;
  /** PEM, without a passphrase. */
  readonly keyFile: string;
}

/** A certificate and its key, as the files have them. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** The certificate cannot be served; the message says why, and what is accepted. */
export class CertificateError extends Error {
  override name = "CertificateError";
}

/**
 * Reads a certificate and its key, and sees that they belong together.
 *
 * @throws CertificateError
 */
export async function readCertificate({ certFile, keyFile }: TlsFiles): Promise<Certificate> {
  const [cert, key] = await Promise.all([read(certFile, "HYDRA_TLS_CERT_FILE"), read(keyFile, "HYDRA_TLS_KEY_FILE")]);
  if (!parseCertificate(cert, certFile).checkPrivateKey(parseKey(key, keyFile))) {
    throw new CertificateError(
      `the key in ${keyFile} (HYDRA_TLS_KEY_FILE) is not that of the certificate in ${certFile} (HYDRA_TLS_CERT_FILE)`,
    );
  }
  return { cert, key };
}

async function read(file: string, setting: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CertificateError(`${file} (${setting}) cannot be read: ${WHY_UNREADABLE[code ?? ""] ?? message}`);
  }
}

const WHY_UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this user may not read it",
  EISDIR: "it is a directory",
};

function parseCertificate(cert: Buffer, file: string): X509Certificate {
  try {
    return new X509Certificate(cert);
  } catch {
    throw new CertificateError(`${file} (HYDRA_TLS_CERT_FILE) has no certificate: accepted is PEM`);
  }
}

function parseKey(key: Buffer, file: string): KeyObject {
  try {
    return createPrivateKey(key);
  } catch {
    throw new CertificateError(
      `${file} (HYDRA_TLS_KEY_FILE) has no private key: accepted is PEM, without a passphrase`,
    );
  }
}
