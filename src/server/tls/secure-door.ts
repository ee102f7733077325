import type net from "node:net";
import tls from "node:tls";
import type { EngineLog } from "../../engine/index.ts";
import { judgeFirstBytes } from "../first-bytes.ts";
import { type Certificate, readCertificate, type TlsFiles } from "./certificate.ts";

// TLS in front of the two servers of the one port.
//
//   T1. A certificate that was replaced in its files is served to new connections without a restart; one that cannot
//       be served leaves the old one in place, and is told once in the log.
//   T2. What speaks no TLS gets a sentence, and nothing behind the door sees it.

const TLS_HANDSHAKE = 0x16;
/** Files are looked at: what watches them for us misses links that are replaced, as Kubernetes does with secrets. */
const LOOK_MS = 10_000;

const SPEAK_TLS = "this port speaks TLS: use https:// in the place of http://\n";
const PLAIN_ANSWER =
  `HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: ${SPEAK_TLS.length}\r\n` +
  `connection: close\r\n\r\n${SPEAK_TLS}`;

export interface SecureDoorOptions {
  readonly files: TlsFiles;
  /** For the first byte, and then for the handshake. */
  readonly timeoutMs: number;
  readonly log: EngineLog;
  /** Given each connection after its handshake, and whether it is to speak HTTP/2. */
  readonly onSocket: (socket: tls.TLSSocket, speaksHttp2: boolean) => void;
  /** How often the files are looked at. Default: 10 s. */
  readonly lookMs?: number;
}

/** Makes TLS connections of plain ones. */
export class SecureDoor {
  readonly #options: SecureDoorOptions;
  readonly #server: tls.Server;
  #served: Certificate;
  /** Why the files cannot be served now. */
  #trouble: string | undefined;
  readonly #looking: NodeJS.Timeout;

  /** @throws CertificateError where the files cannot be served. */
  static async open(options: SecureDoorOptions): Promise<SecureDoor> {
    return new SecureDoor(options, await readCertificate(options.files));
  }

  private constructor(options: SecureDoorOptions, certificate: Certificate) {
    const { timeoutMs, onSocket, lookMs = LOOK_MS } = options;
    this.#options = options;
    this.#served = certificate;
    const ALPNProtocols = ["h2", "http/1.1"];
    this.#server = tls.createServer({ ...certificate, ALPNProtocols, handshakeTimeout: timeoutMs });
    this.#server.on("secureConnection", (socket) => onSocket(socket, socket.alpnProtocol === "h2"));
    // Whoever does not get through the handshake is told by TLS itself.
    this.#server.on("tlsClientError", (_error, socket) => socket.destroy());
    this.#looking = setInterval(() => void this.#look(), lookMs).unref();
  }

  /** Takes a new connection. */
  take(socket: net.Socket): void {
    const { timeoutMs } = this.#options;
    const isTls = (seen: Buffer) => seen[0] === TLS_HANDSHAKE;
    judgeFirstBytes(socket, timeoutMs, isTls, (speaksTls) => {
      if (speaksTls) this.#server.emit("connection", socket);
      else answerPlainly(socket, timeoutMs);
    });
  }

  close(): void {
    clearInterval(this.#looking);
  }

  async #look(): Promise<void> {
    const { files, log } = this.#options;
    try {
      const certificate = await readCertificate(files);
      const { cert, key } = this.#served;
      if (!certificate.cert.equals(cert) || !certificate.key.equals(key)) {
        this.#server.setSecureContext(certificate);
        this.#served = certificate;
        log.info({ certFile: files.certFile }, "a new certificate is served");
      }
      this.#trouble = undefined;
    } catch (error) {
      const { message } = error as Error;
      // Also between the writing of the one file and the other: the next look finds them whole.
      if (message !== this.#trouble) log.warn({ reason: message }, "the certificate was not replaced");
      this.#trouble = message;
    }
  }
}

function answerPlainly(socket: net.Socket, timeoutMs: number): void {
  socket.setTimeout(timeoutMs, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.resume();
  socket.end(PLAIN_ANSWER);
}
