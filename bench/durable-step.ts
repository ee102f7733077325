import { Agent, request } from "node:http";
import type { BenchPostgres } from "./database.ts";
import { startFloorServer } from "./floor-server.ts";
import { startDevProcess } from "./server-process.ts";
import { quantile } from "./statistics.ts";

export interface StepFigures {
  /** Of a server that answers at once: what HTTP and the client itself take. */
  readonly emptyP50: number;
  readonly emptyPerSecond64: number;
  readonly insertP50: number;
  readonly insertPerSecond64: number;
  readonly stepP50: number;
  readonly stepP99: number;
  readonly stepPerSecond64: number;
}

const CALLS_ALONE = 1_000;
const CALLS_TOGETHER = 10_000;
const TOGETHER = 64;
const WARM_UP_CALLS = 3_000;

/** NotifyReady over HTTP is one durable call; beside it servers that answer with one INSERT, and at once. */
export async function measureDurableStep(postgres: BenchPostgres): Promise<StepFigures> {
  const databaseUrl = await postgres.createDatabase("step");
  await using insertServer = await startFloorServer(databaseUrl);
  await using emptyServer = await startFloorServer();
  const server = await startDevProcess(["--sentinels", "100", "--converge", "0"], { DATABASE_URL: databaseUrl });
  const agent = new Agent({ keepAlive: true, maxSockets: TOGETHER });
  try {
    const empty = () => post(agent, emptyServer.url);
    const insert = () => post(agent, insertServer.url);
    const step = (i: number) => post(agent, `${server.url}/hydra.v1.SentinelService/${sentinelId(i)}/NotifyReady`);
    for (const call of [empty, insert, step]) await together(call, WARM_UP_CALLS);
    const emptyTimes = await alone(empty);
    const insertTimes = await alone(insert);
    const stepTimes = await alone(step);
    return {
      emptyP50: quantile(emptyTimes, 0.5),
      emptyPerSecond64: await together(empty, CALLS_TOGETHER),
      insertP50: quantile(insertTimes, 0.5),
      stepP50: quantile(stepTimes, 0.5),
      stepP99: quantile(stepTimes, 0.99),
      insertPerSecond64: await together(insert, CALLS_TOGETHER),
      stepPerSecond64: await together(step, CALLS_TOGETHER),
    };
  } finally {
    agent.destroy();
    await server.stop();
  }
}

function sentinelId(i: number): string {
  return `snt_${String((i % 100) + 1).padStart(6, "0")}`;
}

async function alone(call: (i: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < CALLS_ALONE; i++) {
    const startedAt = performance.now();
    await call(i);
    times.push(performance.now() - startedAt);
  }
  return times;
}

/** Calls a second, `TOGETHER` at a time. */
async function together(call: (i: number) => Promise<unknown>, calls: number): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const work = async () => {
    for (let i = next++; i < calls; i = next++) await call(i);
  };
  await Promise.all(Array.from({ length: TOGETHER }, work));
  return (calls / (performance.now() - startedAt)) * 1000;
}

function post(agent: Agent, url: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const call = request(url, { agent, method: "POST", headers: { "content-type": "application/json" } }, (answer) => {
    answer.resume();
    answer.on("end", () => (answer.statusCode === 200 ? resolve() : reject(new Error(`status ${answer.statusCode}`))));
  });
  call.on("error", reject);
  call.end("{}");
  return promise;
}
