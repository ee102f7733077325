import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface ExampleRun {
  exit: number;
  /** Lines on stdout. */
  lines: string[];
  stderr: string;
}

/** A program of `examples/`, built and run with the commands of its README. */
export class Example {
  readonly #directory: string;

  /** @param checkout holds a copy of the checkout, to build in. */
  constructor(checkout: string, name: string) {
    this.#directory = path.join(checkout, "examples", name);
  }

  async build(): Promise<void> {
    await this.#bash(await this.#commands("Build"));
  }

  /** Runs it to its end; without an image: with a command line that has none. */
  async run(url: string, { image = "", key = "" }: { image?: string; key?: string } = {}): Promise<ExampleRun> {
    const command = (await this.#commands("Run"))
      .replace("ghcr.io/acme/sentinel:v1.2.3", image)
      .replace("deploy-42", key);
    const ended = await this.#bash(command, { HYDRA_URL: url }).catch((error: unknown) => error as Ended);
    return { exit: ended.code ?? 0, lines: ended.stdout.split("\n").slice(0, -1), stderr: ended.stderr };
  }

  /** What the README has under `Build:` or `Run:`. */
  async #commands(title: string): Promise<string> {
    const readme = await readFile(path.join(this.#directory, "README.md"), "utf8");
    const block = new RegExp(`^${title}:\n\n\`\`\`sh\n(.*?)\n\`\`\`$`, "ms").exec(readme)?.[1];
    if (block === undefined) throw new Error(`${this.#directory}/README.md has no commands under "${title}:"`);
    return block;
  }

  #bash(commands: string, env: Record<string, string> = {}): Promise<Ended> {
    // npm would leave its cache in the temporary directory.
    const settings = { ...process.env, NODE_DISABLE_COMPILE_CACHE: "1", ...env };
    return run("bash", ["-euo", "pipefail", "-c", commands], { cwd: this.#directory, env: settings });
  }
}

/** How a program ended; the error where it failed has the same fields. */
interface Ended {
  readonly code?: number;
  readonly stdout: string;
  readonly stderr: string;
}
