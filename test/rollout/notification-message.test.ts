import fc from "fast-check";
import { expect, test } from "vitest";
import { composeMessage, type SlackMessage } from "../../src/rollout/notifications/message.ts";
import { quote } from "../../src/rollout/notifications/mrkdwn.ts";
import type { FailureGroup, NotificationFacts } from "../../src/rollout/reading/index.ts";

const FACTS: NotificationFacts = {
  type: "rollout_started",
  rolloutId: "rol_1",
  image: "ghcr.io/acme/sentinel:v1.2.3",
  reason: "",
  elapsedMs: 125_400,
  percentages: [1, 5, 25, 50, 100],
  total: 10_000,
  ready: 499,
  failed: 0,
  skipped: 0,
  reverted: 0,
  wave: undefined,
  waves: 5,
  revertedNow: undefined,
  failures: [],
  failuresTotal: 0,
};
const WAVE = { index: 1, size: 400, ready: 399, failed: 0, percentage: 5, elapsedMs: 32_000 };
const ONE_FAILED = {
  failed: 1,
  failures: [group("image_pull", 1, ["snt_00123"], "manifest unknown")],
  failuresTotal: 1,
};
const FIVE_FAILED = {
  failed: 5,
  failures: [
    group("image_pull", 3, ["snt_00001", "snt_00003", "snt_00004"], "manifest unknown"),
    group("timeout", 2, ["snt_00002", "snt_00005"], "not converged after 10m"),
  ],
  failuresTotal: 5,
};
const MANY_FAILED = {
  failed: 5_000,
  failures: [
    group("image_pull", 3_000, ["snt_00001", "snt_00003", "snt_00004"], "manifest unknown"),
    group("timeout", 1_200, ["snt_00002", "snt_00005"], "not converged after 10m"),
    group("", 780, [], ""),
  ],
  failuresTotal: 5_000,
};

function group(failureClass: string, count: number, firstIds: string[], reason: string): FailureGroup {
  return { failureClass, count, firstIds, reason };
}

const EXAMPLES: Record<string, Partial<NotificationFacts>> = {
  "rollout started": { ready: 0, elapsedMs: 0 },
  "rollout started, over nobody": { ready: 0, total: 0, elapsedMs: 0, waves: 0, percentages: [100] },
  "wave started": { type: "wave_started", wave: { ...WAVE, ready: 0, elapsedMs: 0 }, ready: 100 },
  "wave completed": { type: "wave_completed", wave: { ...WAVE, ready: 400 }, ready: 500 },
  "wave completed, one failed": { type: "wave_completed", wave: { ...WAVE, failed: 1 }, ...ONE_FAILED },
  "rollout paused, five failed": {
    type: "rollout_paused",
    wave: { ...WAVE, ready: 395, failed: 5 },
    reason: "5 of 400 sentinels of the wave failed",
    ready: 495,
    ...FIVE_FAILED,
  },
  "rollout paused by the end of its driver": { type: "rollout_paused", reason: "the invocation was killed" },
  "rollout resumed": { type: "rollout_resumed", ...ONE_FAILED, failures: [], failuresTotal: 0 },
  "rollout cancelled, 5,000 failed": { type: "rollout_cancelled", ready: 5_000, ...MANY_FAILED, skipped: 2 },
  "rollout completed": { type: "rollout_completed", wave: WAVE, ready: 10_000, elapsedMs: 3_725_000 },
  "rollback started": { type: "rollback_started", ready: 500 },
  "rollback completed, one not reverted": {
    type: "rollback_completed",
    ready: 1,
    reverted: 499,
    revertedNow: 499,
    failures: [group("superseded", 1, ["snt_00007"], "superseded by an edit")],
    failuresTotal: 1,
  },
};

test("every kind of message: as it was agreed on", async () => {
  const texts = Object.entries(EXAMPLES).map(([name, facts]) => {
    return `--- ${name}\n${textOf(composeMessage({ ...FACTS, ...facts }, { repeat: false }))}`;
  });
  await expect(`${texts.join("\n\n")}\n`).toMatchFileSnapshot("golden/notifications.txt");
});

test("a message: a header and a section of Block Kit, and a text for where blocks are not shown", () => {
  expect(composeMessage(FACTS, { repeat: false })).toEqual({
    text: "Rollout started: `ghcr.io/acme/sentinel:v1.2.3`",
    blocks: [
      { type: "header", text: { type: "plain_text", text: "Rollout started", emoji: false } },
      {
        type: "section",
        text: { type: "mrkdwn", text: expect.stringContaining("*Image* `ghcr.io/acme"), verbatim: true },
      },
    ],
  });
});

test("the webhook may have it already: marked in the text and in the section", () => {
  const message = composeMessage(FACTS, { repeat: true });
  expect(message.text).toContain("possible repeat");
  expect(sectionOf(message)).toContain("possible repeat");
  expect(JSON.stringify(composeMessage(FACTS, { repeat: false }))).not.toContain("repeat");
});

test("there is a public address: a link to the rollout", () => {
  const link = (publicUrl: string) => /<.*>/.exec(sectionOf(composeMessage(FACTS, { repeat: false, publicUrl })))?.[0];
  expect(link("https://hydra.example.com")).toBe("<https://hydra.example.com/?rollout=rol_1|Open in hydra>");
  expect(link("https://me:secret@hydra.example.com")).toBe(link("https://hydra.example.com"));
  expect(link("https://example.com/hydra?a=1|2")).toBe(
    "<https://example.com/hydra?a=1%7C2&amp;rollout=rol_1|Open in hydra>",
  );
});

test("text of others with Slack's markup in it: shown as it is, in code spans that nothing ends", () => {
  const evil = "<!channel> *bold* _x_ ~y~ `code` & <https://evil.test|click>\n> quote \u202Eright to left :boom:";
  const message = composeMessage(
    { ...FACTS, type: "rollout_paused", reason: evil, failures: [group(evil, 1, [evil], evil)], failuresTotal: 1 },
    { repeat: false },
  );
  const outside = sectionOf(message).replaceAll(/`[^`\n]*`/g, "");
  expect(outside).not.toMatch(/channel|evil|bold|boom|`/);
  expect(JSON.stringify(message)).not.toMatch(/<!|<http/);
  expect(sectionOf(message)).toContain(
    "`&lt;!channel&gt; *bold* _x_ ~y~ 'code' &amp; &lt;https://evil.test|click&gt; &gt; quote",
  );
});

test.each([
  ["ab", "`ab`"],
  ["&&&", "`&amp;…`"],
  ["abcdefghij", "`abcdefghij`"],
  ["abcdefghijk", "`abcdefghi…`"],
  ["abcdefgh\u{1F433}\u{1F433}", "`abcdefgh…`"],
  [" \u202E\n", ""],
])("%j quoted in ten characters: %s", (text, quoted) => {
  expect(quote(text, 10)).toBe(quoted);
});

test("whatever it tells of: within Slack's limits, no markup of others, no half entity", () => {
  const nasty = fc.constantFrom(
    "a",
    " ",
    "&",
    "<",
    ">",
    "`",
    "*",
    "_",
    "!",
    "|",
    "\n",
    "\0",
    "\u202E",
    "\u{1F433}",
    "\uD800",
  );
  const long = fc.constantFrom("&".repeat(1_000), "\u{1F433}".repeat(500), "a <b> `c` ".repeat(100));
  const text = fc.oneof(fc.string({ unit: nasty, maxLength: 100 }), long);
  const longest = "x".repeat(1_000);
  const longestGroup = group(
    longest,
    1_000_000,
    Array.from({ length: 5 }, () => longest),
    longest,
  );
  const groups = fc.array(
    fc.record({ failureClass: text, count: fc.nat(), firstIds: fc.array(text, { maxLength: 5 }), reason: text }),
    { maxLength: 5 },
  );
  const types = fc.constantFrom(
    ...Object.values(EXAMPLES).map(({ type }) => type ?? "rollout_started"),
    "of_a_newer_server",
  );
  fc.assert(
    fc.property(types, text, text, groups, fc.boolean(), (type, image, reason, failures, repeat) => {
      const message = composeMessage(
        { ...FACTS, type, image, reason, failures, failuresTotal: 7, wave: WAVE },
        { repeat, publicUrl: "https://hydra.example.com" },
      );
      return breachesOf(message).length === 0;
    }),
    {
      numRuns: 200,
      examples: [["rollout_paused", longest, longest, Array.from({ length: 5 }, () => longestGroup), true]],
    },
  );
});

function breachesOf(message: SlackMessage): string[] {
  const section = sectionOf(message);
  const withoutLink = section.replace("<https://hydra.example.com/?rollout=rol_1|Open in hydra>", "");
  const breaches: Record<string, boolean> = {
    "a header that is too long": (message.blocks[0]?.text.text.length ?? 0) > 150,
    "a section that is too long": section.length > 3_000,
    "markup of others": /[<>]/.test(withoutLink),
    "half an entity": section.replaceAll(/&(amp|lt|gt);/g, "").includes("&"),
    "half a character": !section.isWellFormed(),
    "a code span that does not end": (section.match(/`/g) ?? []).length % 2 === 1,
  };
  return Object.keys(breaches).filter((name) => breaches[name]);
}

function sectionOf(message: SlackMessage): string {
  return message.blocks[1]?.text.text ?? "";
}

function textOf(message: SlackMessage): string {
  return [`text: ${message.text}`, ...message.blocks.map(({ type, text }) => `${type}: ${text.text}`)].join("\n");
}
