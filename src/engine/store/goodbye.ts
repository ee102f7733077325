import type pg from "pg";
import { startTimer } from "../timer.ts";

/** A server that does not answer within this is not waited for. */
export const GOODBYE_MS = 2_000;

/** Takes leave of the server. Never fails, and does not wait for one that is silent. */
export async function closeClient(client: pg.Client): Promise<void> {
  const stopTimer = startTimer(GOODBYE_MS, () => cutClient(client));
  await client.end().catch(() => {});
  stopTimer();
}

/** Ends a connection without a word to a server that may be silent; whoever waits for an answer is told so. */
export function cutClient(client: pg.ClientBase): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
}
