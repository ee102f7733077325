import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { startHydraProcess, urlOf } from "./hydra-process.ts";

/** Starts a `hydra dev` that is stopped, as Ctrl-C stops it, with the scope; resolves to its URL. */
export async function startDevServer(scope: AsyncDisposableStack, options: readonly string[]): Promise<string> {
  const directory = scope.use(await createTemporaryDirectory());
  const dev = scope.use(startHydraProcess(["dev", "--port", "0", "--data-dir", directory.path, ...options]));
  // A killed one leaves its Postgres to a guard, which takes its time.
  scope.defer(async () => {
    dev.kill("SIGTERM");
    await dev.exited;
  });
  return urlOf(dev);
}
