import net from "node:net";
import { once } from "node:events";

/** Passes connections on to a server. */
export interface CuttingProxy extends AsyncDisposable {
  readonly url: string;
  /** From now on all of them are cut again and again. */
  startCutting(everyMs: number): void;
  /** From now on none is. */
  stopCutting(): void;
  /** Connections cut so far. */
  readonly cuts: () => number;
}

/** @param listenOn - 0: any free port. */
export async function startCuttingProxy(targetUrl: string, listenOn = 0): Promise<CuttingProxy> {
  const { hostname, port } = new URL(targetUrl);
  const open = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", () => {}).on("close", () => open.delete(socket));
    }
    client.pipe(upstream).pipe(client);
  });
  server.listen(listenOn, "127.0.0.1");
  await once(server, "listening");
  let cuts = 0;
  const cut = () => {
    cuts += open.size / 2;
    for (const socket of open) socket.destroy();
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    startCutting(everyMs) {
      timer = setInterval(cut, everyMs);
    },
    stopCutting: () => clearInterval(timer),
    url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    cuts: () => cuts,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
