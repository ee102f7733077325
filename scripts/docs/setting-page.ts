import { type Setting, settings } from "../../src/config/index.ts";

/** Who reads a setting, as the page's headings have it. */
const SECTIONS: readonly (readonly [Setting["readBy"], title: string, introduction: string])[] = [
  [
    "servers",
    "Commands that run a server",
    "`hydra serve` and `hydra dev`; `hydra db url` reads `DATABASE_URL` and `HYDRA_DATA_DIR`. Where a command has an option\n" +
      "of the same meaning, the option wins ([commands](commands.md)).",
  ],
  ["operators", "Commands that speak to a server", "All the others. The option wins here, too."],
];

const HEAD = `# Configuration

<!-- Made from src/config by scripts/generate-docs.ts: edit that. -->

Settings are environment variables, and are read once, at the start. One that is empty counts as unset. Wrong ones are told
all at once, with what is accepted, and nothing starts. Durations are \`200ms\`, \`5s\`, \`10m\`, \`24h\`; a bare number is
milliseconds. A secret is never shown: not in a log, an error or a listing.
`;

/** The page of all settings, \`docs/configuration.md\`. */
export function settingPage(): string {
  const sections = SECTIONS.map(([readBy, title, introduction]) => {
    const rows = Object.values<Setting>(settings).filter((setting) => setting.readBy === readBy);
    return `## ${title}\n\n${introduction}\n\n| variable | meaning | default |\n|---|---|---|\n${rows.map(row).join("\n")}\n`;
  });
  return [HEAD, ...sections].join("\n");
}

function row({ name, meaning, default: fallback, secret }: Setting): string {
  const text = fallback === undefined || fallback === "" ? "unset" : `\`${fallback}\``;
  return `| \`${name}\` | ${meaning.replaceAll("|", "\\|")}${secret ? " **Secret.**" : ""} | ${text} |`;
}
