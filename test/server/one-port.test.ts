import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import { describe, expect, test } from "vitest";
import { listenOnOnePort, type NodeHandler, type OnePort, type OnePortOptions } from "../../src/server/one-port.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { quietLog } from "../support/quiet-log.ts";

refuseLeaks();

/** Answers with what it got. */
const echo: NodeHandler = (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => response.end(`${request.httpVersion} ${request.method} ${Buffer.concat(chunks).toString()}`));
};

async function listen(options: Partial<OnePortOptions> = {}): Promise<OnePort & AsyncDisposable> {
  const port = await listenOnOnePort({ host: "127.0.0.1", port: 0, handler: echo, log: quietLog, ...options });
  return { ...port, [Symbol.asyncDispose]: () => port.close() };
}

async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

async function readAll(socket: net.Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(socket, "close");
  return text;
}

async function overHttp2(session: http2.ClientHttp2Session, body: string): Promise<string> {
  const stream = session.request({ ":method": "POST", ":path": "/" });
  stream.end(body);
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** Ends by closing the session, so that nothing is left open. */
async function withSession<T>(port: number, use: (session: http2.ClientHttp2Session) => Promise<T>): Promise<T> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  try {
    return await use(session);
  } finally {
    session.close();
    await once(session, "close");
  }
}

describe("one port", () => {
  test("HTTP/1.1 and HTTP/2 at the same time: both are answered", async () => {
    await using port = await listen();
    const [one, two] = await Promise.all([
      fetch(`http://127.0.0.1:${port.port}/`, { method: "POST", body: "a" }).then((response) => response.text()),
      withSession(port.port, (session) => overHttp2(session, "b")),
    ]);
    expect(one).toBe("1.1 POST a");
    expect(two).toBe("2.0 POST b");
  });

  test("a head that comes byte by byte, alike with HTTP/2's at first: HTTP/1.1", async () => {
    await using port = await listen();
    const socket = await connect(port.port);
    socket.setNoDelay(true);
    const answer = readAll(socket);
    for (const byte of "PROPFIND / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") {
      await new Promise((resolve) => socket.write(byte, resolve));
    }
    expect(await answer).toContain("1.1 PROPFIND");
  });

  test("HTTP/2's preface in pieces: HTTP/2", async () => {
    await using port = await listen();
    const socket = await connect(port.port);
    socket.setNoDelay(true);
    const emptySettings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    for (const piece of ["PRI * HT", "TP/2.0\r\n\r\nSM", "\r\n\r\n", emptySettings]) {
      await new Promise((resolve) => socket.write(piece, resolve));
    }
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer[3], "type of the first frame: SETTINGS").toBe(4);
    socket.destroy();
  });

  test("bodies of many packets: arrive whole, either way", async () => {
    await using port = await listen();
    const body = "0123456789".repeat(300_000);
    const one = await fetch(`http://127.0.0.1:${port.port}/`, { method: "POST", body }).then((response) =>
      response.text(),
    );
    expect(one === `1.1 POST ${body}`).toBe(true);
    expect((await withSession(port.port, (session) => overHttp2(session, body))) === `2.0 POST ${body}`).toBe(true);
  });

  test("several requests on one connection: all are answered", async () => {
    await using port = await listen();
    const socket = await connect(port.port);
    const answer = readAll(socket);
    socket.write(
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    expect((await answer).match(/1\.1 GET/g)).toHaveLength(2);
  });
});

test("HTTP/2, answered before the client has sent everything: the stream ends", async () => {
  await using port = await listen({ handler: (_request, response) => void response.end("enough") });
  const answer = withSession(port.port, async (session) => {
    const stream = session.request({ ":method": "POST", ":path": "/" });
    stream.write("and so on");
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    return text;
  });
  expect(await answer).toBe("enough");
});

describe("slow or broken connections", () => {
  test("nothing is sent: the connection is dropped", async () => {
    await using port = await listen({ headTimeoutMs: 50 });
    expect(await readAll(await connect(port.port))).toBe("");
  });

  test("the beginning of HTTP/2's preface and no more: the connection is dropped", async () => {
    await using port = await listen({ headTimeoutMs: 50 });
    const socket = await connect(port.port);
    socket.write("PRI * HTTP/2.0\r\n");
    expect(await readAll(socket)).toBe("");
  });

  test("half of an HTTP/1.1 head and no more: 408", async () => {
    await using port = await listen({ headTimeoutMs: 50 });
    const socket = await connect(port.port);
    socket.write("GET / HTTP/1.1\r\nHost: loc");
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("no HTTP at all: 400", async () => {
    await using port = await listen();
    const socket = await connect(port.port);
    socket.write("\u0016\u0003\u0001 this is TLS\r\n\r\n");
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("a head that is too large: 431", async () => {
    await using port = await listen();
    const socket = await connect(port.port);
    socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"x".repeat(40_000)}\r\n\r\n`);
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 431 /);
  });

  test("gone before it has said anything: nothing happens", async () => {
    await using port = await listen();
    const socket = await connect(port.port);
    socket.destroy();
    expect(await fetch(`http://127.0.0.1:${port.port}/`).then((response) => response.text())).toBe("1.1 GET ");
  });
});

describe("a port that cannot be listened on", () => {
  test("in use: the error names it and says what to do", async () => {
    await using port = await listen();
    await expect(listen({ port: port.port })).rejects.toThrow(
      `port ${port.port} on 127.0.0.1 is in use: stop what listens there, perhaps another hydra, or choose another port`,
    );
  });

  test("an address of another machine: the error says so", async () => {
    await expect(listen({ host: "192.0.2.1" })).rejects.toThrow(
      "port 0 on 192.0.2.1 cannot be used: the address is not one of this machine",
    );
  });
});

describe("draining", () => {
  test("new connections are refused, what is in flight is answered", async () => {
    const arrived = Promise.withResolvers<() => void>();
    await using port = await listen({
      handler: (_request, response) => arrived.resolve(() => response.end("late")),
    });
    const inFlight = fetch(`http://127.0.0.1:${port.port}/`);
    const finish = await arrived.promise;
    port.drain();
    await expect(connect(port.port)).rejects.toThrow("ECONNREFUSED");
    finish();
    expect(await (await inFlight).text()).toBe("late");
  });

  test("idle connections: are closed, HTTP/1.1 and HTTP/2", async () => {
    await using port = await listen();
    const idle = await connect(port.port);
    idle.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(idle, "data");
    const session = http2.connect(`http://127.0.0.1:${port.port}`);
    await overHttp2(session, "a");
    port.drain();
    await Promise.all([once(idle, "close"), once(session, "close")]);
    expect([idle.destroyed, session.destroyed]).toEqual([true, true]);
  });
});
