import { once } from "node:events";
import net from "node:net";

/** Passes connections on to a server of loopback. */
export interface FreezingProxy extends AsyncDisposable {
  readonly port: number;
  /** Those that are open stay so, and nothing comes through any more; later ones work. */
  freeze(): void;
  /** How many hang. */
  readonly frozen: () => number;
}

export async function startFreezingProxy(targetPort: number): Promise<FreezingProxy> {
  const open = new Set<net.Socket>();
  const frozen = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(targetPort, "127.0.0.1");
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from);
      from
        .on("error", () => {})
        .on("close", () => {
          open.delete(from);
          frozen.delete(from);
          to.destroy();
        });
    }
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as net.AddressInfo).port,
    freeze() {
      for (const socket of open) {
        socket.unpipe();
        // What comes is thrown away, so that its end is still noticed.
        socket.resume();
        frozen.add(socket);
      }
    },
    frozen: () => frozen.size / 2,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, "close");
    },
  };
}
