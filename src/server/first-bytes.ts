import type net from "node:net";

/**
 * Looks at the first bytes of a connection without taking them. `judge` is asked with all that has come, until it has
 * an answer; then the bytes are put back and the socket is paused. A socket that sends nothing in time, or goes, is dropped.
 */
export function judgeFirstBytes<T>(
  socket: net.Socket,
  timeoutMs: number,
  judge: (seen: Buffer) => T | undefined,
  decide: (verdict: T) => void,
): void {
  const onGone = () => socket.destroy();
  const timer = setTimeout(onGone, timeoutMs);
  let seen = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    seen = Buffer.concat([seen, chunk]);
    const verdict = judge(seen);
    if (verdict === undefined) return;
    stop();
    socket.pause();
    socket.unshift(seen);
    decide(verdict);
  };
  const stop = () => {
    clearTimeout(timer);
    socket.off("data", onData).off("end", onGone).off("error", onGone).off("close", stop);
  };
  socket.on("data", onData).on("end", onGone).on("error", onGone).on("close", stop);
}
