import { execFile, type ExecFileException } from "node:child_process";
import { promisify } from "node:util";
import type { KubeConfig } from "@kubernetes/client-node";

/** Under which the user of a kubeconfig names it; its `config` is a `PluginCall`. */
export const CREDENTIAL_PLUGIN = "credential-plugin";

/** As `users[].user.exec` of a kubeconfig has it. */
export interface PluginCall {
  readonly command: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  /** What to do where the command is missing. */
  readonly installHint?: string;
  /** What the plugin is told of how it is asked. */
  readonly info: object;
}

/** What a plugin prints. */
interface ExecCredential {
  readonly status: {
    readonly token?: string;
    readonly clientCertificateData?: string;
    readonly clientKeyData?: string;
    readonly expirationTimestamp?: string;
  };
}

type Authenticator = Parameters<KubeConfig["addAuthenticator"]>[0];

const ANSWER_MS = 60_000;
const LONGEST_ANSWER = 1_000_000;
/** A credential is asked for anew this long before it ends: under way it must not end. */
const EARLY_MS = 30_000;
const LONGEST_WORDS = 300;
const run = promisify(execFile);

/**
 * Credentials that a program prints, kept until they end. The library's own
 * (its exec_auth.js) waits for a program for as long as it takes, and quotes what
 * it printed where that is no JSON: that may be a token.
 */
export class CredentialPlugin implements Authenticator {
  readonly #signal: AbortSignal | undefined;
  readonly #answerMs: number;
  #credential: ExecCredential | undefined;

  /** The signal ends the program; `answerMs`: how long it may take, default 60,000. */
  constructor(signal?: AbortSignal, answerMs = ANSWER_MS) {
    this.#signal = signal;
    this.#answerMs = answerMs;
  }

  isAuthProvider({ authProvider }: Parameters<Authenticator["isAuthProvider"]>[0]): boolean {
    return (authProvider as { name?: string } | null | undefined)?.name === CREDENTIAL_PLUGIN;
  }

  /** @throws a sentence without anything of what the program printed as its answer. */
  async applyAuthentication(...[user, options]: Parameters<Authenticator["applyAuthentication"]>): Promise<void> {
    if (!this.#credential || endsSoon(this.#credential)) {
      this.#credential = credentialIn(await this.#ask((user.authProvider as { config: PluginCall }).config));
    }
    const { token, clientCertificateData, clientKeyData } = this.#credential.status;
    if (clientCertificateData) options.cert = clientCertificateData;
    if (clientKeyData) options.key = clientKeyData;
    if (token) Object.assign((options.headers ??= {}), { Authorization: `Bearer ${token}` });
  }

  async #ask({ command, args, env, installHint, info }: PluginCall): Promise<string> {
    try {
      const { stdout } = await run(command, args ?? [], {
        env: {
          ...process.env,
          ...Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
          KUBERNETES_EXEC_INFO: JSON.stringify(info),
        },
        timeout: this.#answerMs,
        // One that hangs need not heed anything milder.
        killSignal: "SIGKILL",
        maxBuffer: LONGEST_ANSWER,
        ...(this.#signal && { signal: this.#signal }),
      });
      return stdout;
    } catch (error) {
      // The error itself has all of what the program printed.
      // oxlint-disable-next-line preserve-caught-error
      throw new Error(`the credential plugin ${command} ${this.#failed(error as ExecFileException, installHint)}`);
    }
  }

  #failed(error: ExecFileException, installHint: string | undefined): string {
    if (error.code === "ENOENT") return `is not there${installHint ? `: ${lastWords(installHint)}` : ""}`;
    if (error.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return "prints more than any credential has";
    if (error.killed) return `does not answer within ${this.#answerMs / 1_000} s`;
    const words = lastWords(error.stderr ?? "");
    return `has failed (${error.signal ?? error.code})${words && `: ${words}`}`;
  }
}

function credentialIn(text: string): ExecCredential {
  try {
    const credential = JSON.parse(text) as Partial<ExecCredential> | null;
    const { token, clientCertificateData } = credential?.status ?? {};
    if (token || clientCertificateData) return credential as ExecCredential;
  } catch {
    // What stands there may be a token.
  }
  throw new Error("what the credential plugin printed is no ExecCredential with a token or a certificate");
}

function endsSoon({ status: { expirationTimestamp } }: ExecCredential): boolean {
  // Of one without an end, or with one that is no time, the API server says when it is over.
  return Date.parse(expirationTimestamp ?? "") - Date.now() < EARLY_MS;
}

/** The end of what a program says about its trouble, in one line. */
function lastWords(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim().slice(-LONGEST_WORDS);
}
