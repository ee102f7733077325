// Loading two hundred small files is most of what a short command takes. The packages that it needs are put into a few
// by `npm run build`; where those are missing, everything works without.
import { existsSync, readdirSync } from "node:fs";
import module from "node:module";

const directory = new URL("../dist/packages/", import.meta.url);

export function useBundledPackages() {
  if (!existsSync(directory)) return;
  const files = readdirSync(directory).filter((file) => file.endsWith(".js"));
  const urls = new Map(files.map((file) => [file.slice(0, -3).replaceAll("__", "/"), new URL(file, directory).href]));
  module.registerHooks({
    resolve(specifier, context, next) {
      const url = urls.get(specifier);
      return url === undefined ? next(specifier, context) : { url, format: "module", shortCircuit: true };
    },
  });
}
