import { Code, ConnectError } from "@connectrpc/connect";
import type { ManyServer } from "./many-server.ts";

/** A call as its caller saw it; times by the caller's clock. */
export interface SeenCall {
  readonly key: string;
  readonly name: string;
  readonly sentAt: number;
  /** When the caller knew that it had been accepted. */
  readonly knownAt: number;
}

/**
 * Calls a Deploy and waits for its answer. Told that a server cannot be
 * reached or stops, it repeats the call with its key at the next one.
 */
export async function deployAnywhere(
  servers: readonly ManyServer[],
  first: number,
  { key, name }: { key: string; name: string },
): Promise<SeenCall> {
  const sentAt = performance.now();
  for (let turn = first; ; turn++) {
    const server = servers[turn % servers.length]!;
    try {
      const headers = { "idempotency-key": name };
      const { reason } = await server.sentinels.deploy({ sentinelId: key, image: name }, { headers });
      if (reason !== name) throw new Error(`${name} was answered with ${reason}`);
      return { key, name, sentAt, knownAt: performance.now() };
    } catch (error) {
      if (!neverTaken(error) || turn > first + 20) throw error;
    }
  }
}

/** Also what Node's own client says of a call that it had not sent yet when it heard that the server stops. */
function neverTaken(error: unknown): boolean {
  const { code, rawMessage } = ConnectError.from(error);
  return code === Code.Unavailable || rawMessage.includes("NGHTTP2_REFUSED_STREAM");
}

/** Sends a Deploy and waits for its invocation's id alone. */
export async function sendDeploy(server: ManyServer, { key, name }: { key: string; name: string }): Promise<SeenCall> {
  const sentAt = performance.now();
  const response = await fetch(`${server.url}/hydra.v1.SentinelService/${key}/Deploy/send`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": name },
    body: JSON.stringify({ image: name }),
  });
  if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`);
  await response.body?.cancel();
  return { key, name, sentAt, knownAt: performance.now() };
}

/** A line of a table of what ran. */
export interface Run {
  readonly key: string;
  readonly name: string;
  readonly phase: "begin" | "end";
}

/**
 * What calls of exclusive handlers did that they must not: begun or ended other
 * than once, two at once, or one before another that was known to be accepted
 * when it was sent.
 */
export function breachesOfOrder(calls: readonly SeenCall[], runs: readonly Run[]): string[] {
  const breaches: string[] = [];
  for (const [key, ofKey] of Map.groupBy(calls, (call) => call.key)) {
    const lines = runs.filter((run) => run.key === key);
    const begun = lines.filter(({ phase }) => phase === "begin").map(({ name }) => name);
    if (
      begun.toSorted().join() !==
      ofKey
        .map(({ name }) => name)
        .toSorted()
        .join()
    ) {
      breaches.push(`${key}: ${ofKey.length} were called, ${begun.length} began, or others`);
    }
    const alone = lines.every(
      ({ phase, name }, i) => phase === (i % 2 === 0 ? "begin" : "end") && lines[i - (i % 2)]?.name === name,
    );
    if (!alone || lines.length !== 2 * ofKey.length) breaches.push(`${key}: two ran at the same time`);
    const byName = new Map(ofKey.map((call) => [call.name, call]));
    let latestSent = Number.NEGATIVE_INFINITY;
    for (const name of begun) {
      const call = byName.get(name);
      if (call && call.knownAt < latestSent) breaches.push(`${key}: ${name} ran after one that was sent later`);
      latestSent = Math.max(latestSent, call?.sentAt ?? 0);
    }
  }
  return breaches;
}
