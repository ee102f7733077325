import { execFileSync } from "node:child_process";
import { renameSync, writeFileSync } from "node:fs";
import path from "node:path";

export interface TestCertificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** An authority of one's own, and certificates of this machine that it vouches for. Files are in `directory`. */
export class TestAuthority {
  readonly #directory: string;
  readonly caFile: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.caFile = path.join(directory, "ca.pem");
    const out = ["-keyout", path.join(directory, "ca.key"), "-out", this.caFile];
    openssl("req", "-x509", ...NEW_KEY, "-days", "2", "-subj", "/CN=test authority", ...out);
  }

  /** Replaces one of the same name, each file in one step. */
  issue(name: string): TestCertificate {
    const [certFile, keyFile] = [path.join(this.#directory, `${name}.pem`), path.join(this.#directory, `${name}.key`)];
    const request = path.join(this.#directory, `${name}.csr`);
    const extensions = path.join(this.#directory, `${name}.ext`);
    writeFileSync(extensions, "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
    openssl("req", ...NEW_KEY, "-subj", `/CN=${name}`, "-keyout", `${keyFile}.new`, "-out", request);
    const by = ["-CA", this.caFile, "-CAkey", path.join(this.#directory, "ca.key"), "-CAcreateserial"];
    openssl("x509", "-req", "-in", request, ...by, "-days", "2", "-extfile", extensions, "-out", `${certFile}.new`);
    for (const file of [keyFile, certFile]) renameSync(`${file}.new`, file);
    return { certFile, keyFile };
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "pipe" });
}
