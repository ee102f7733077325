import { type Setting, settings } from "../../src/config/index.ts";

/** Who reads a setting, as the page's headings have it, in their order. */
const SECTIONS: Readonly<Record<Setting["readBy"], { readonly title: string; readonly introduction: string }>> = {
  servers: {
    title: "Commands that run a server",
    introduction:
      "`hydra serve` and `hydra dev`; `hydra db url` reads `DATABASE_URL` and `HYDRA_DATA_DIR`. Where a command has an option\n" +
      "of the same meaning, the option wins ([commands](commands.md)).",
  },
  agents: {
    title: "Commands that run an agent",
    introduction:
      "`hydra agent`, `hydra serve --agent-region`, and what `hydra sentinels import --from-cluster` needs of them. An agent speaks to\n" +
      "a server, too, and reads the settings below for it. The option wins here, too.",
  },
  operators: { title: "Commands that speak to a server", introduction: "All the others. The option wins here, too." },
};

const HEAD = `# Configuration

<!-- Made from src/config by scripts/generate-docs.ts: edit that. -->

Settings are environment variables, and are read once, at the start. One that is empty counts as unset. Wrong ones are told
all at once, with what is accepted, and nothing starts. Durations are \`200ms\`, \`5s\`, \`10m\`, \`24h\`; a bare number is
milliseconds. A secret is never shown: not in a log, an error or a listing.
`;

/** The page of all settings, \`docs/configuration.md\`. */
export function settingPage(): string {
  const sections = Object.entries(SECTIONS).map(([readBy, { title, introduction }]) => {
    const rows = Object.values<Setting>(settings).filter((setting) => setting.readBy === readBy);
    return `## ${title}\n\n${introduction}\n\n| variable | meaning | default |\n|---|---|---|\n${rows.map(row).join("\n")}\n`;
  });
  return [HEAD, ...sections].join("\n");
}

function row({ name, meaning, default: fallback, secret }: Setting): string {
  const text = fallback === undefined || fallback === "" ? "unset" : `\`${fallback}\``;
  return `| \`${name}\` | ${meaning.replaceAll("|", "\\|")}${secret ? " **Secret.**" : ""} | ${text} |`;
}
