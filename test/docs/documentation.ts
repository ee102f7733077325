// What a page of documentation names, taken from its code: `inline`, and blocks of `sh`.

const BLOCK = /^```(\w*)\n([^]*?)^```$/gm;
const INLINE = /`([^`\n]+)`/g;
/** Where a shell takes a word for a program. */
const CALL = /(?:^|[|;&(]|\bnpx)\s*hydra((?:[ \t]+[^\s|;&)>#]+)*)/gm;
const VARIABLE = /\b(?:HYDRA_[A-Z_]+|OTEL_[A-Z_]+|DATABASE_URL)\b/g;

/** The words after each `hydra` that is called. */
export function callsOf(page: string): string[][] {
  const code = [...shellOf(page), ...inlineOf(page)].map((text) => text.replaceAll(/\\\n\s*/g, " "));
  return code
    .flatMap((text) => [...text.matchAll(CALL)])
    .map(([, words = ""]) =>
      words
        .replaceAll(/["'][^"']*["']/g, "TEXT")
        .split(/\s+/)
        .filter(Boolean),
    );
}

/** Flags that stand for themselves: `--data-dir`, `--until paused`. */
export function flagsAlone(page: string): string[] {
  return inlineOf(page).flatMap((text) => /^--[a-z][a-z-]*/.exec(text)?.[0] ?? []);
}

export function variablesOf(page: string): string[] {
  return [...new Set([...page.matchAll(VARIABLE)].map(([name]) => name))];
}

function shellOf(page: string): string[] {
  return [...page.matchAll(BLOCK)]
    .filter(([, language]) => ["sh", "bash"].includes(language ?? ""))
    .map(([, , text = ""]) => text);
}

function inlineOf(page: string): string[] {
  return [...page.replaceAll(BLOCK, "").matchAll(INLINE)].map(([, text = ""]) => text);
}
