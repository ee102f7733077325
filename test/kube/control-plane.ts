import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { CoreV1Api } from "@kubernetes/client-node";
import { eventually } from "../support/eventually.ts";
import { createRunDirectory } from "../support/run-directory.ts";
import { createAgentKubeconfig } from "./agent-rights.ts";
import { kubeAssets } from "./assets.ts";
import {
  apiServerArguments,
  CONTROLLER_MANAGER_ARGUMENTS,
  etcdArguments,
  Files,
  KWOK_ARGUMENTS,
  SCHEDULER_ARGUMENTS,
} from "./components.ts";
import { freePort } from "./free-port.ts";
import { type GuardedProgram, startGuarded } from "./guarded-program.ts";
import { readKubeconfig, writeKubeconfig } from "./kubeconfig.ts";

const START_MS = 60_000;

/** A Kubernetes control plane of its own: everything is real but the nodes. */
export interface ControlPlane extends AsyncDisposable {
  /** The file of an administrator. */
  readonly kubeconfig: string;
  /** An outage of the API server; it comes back on the same port, with the same objects. */
  readonly apiServer: {
    /** kill -9. */
    kill(): Promise<void>;
    /** Resolves once it answers. */
    start(): Promise<void>;
  };
  /** Pids of its programs by their names, such as `kube-apiserver`. */
  readonly pids: () => ReadonlyMap<string, number>;
  /** A new file with a new token of the ServiceAccount in deploy/agent, which has the rights given there and no others. */
  agentKubeconfig(): Promise<string>;
  /** Ends all of it and removes its files. */
  stop(): Promise<void>;
}

/** Starts one, in some five seconds; resolves once a Deployment can be rolled out. Nothing of it outlives this process. */
export async function startControlPlane(): Promise<ControlPlane> {
  const directory = await createRunDirectory("hydra-kube");
  const running = new Map<string, GuardedProgram>();
  const stop = () => stopAll(running, directory);
  try {
    return { ...(await startIn(directory, running)), stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startIn(
  directory: string,
  running: Map<string, GuardedProgram>,
): Promise<Omit<ControlPlane, keyof AsyncDisposable | "stop">> {
  const assets = kubeAssets();
  const run = async (program: string, args: readonly string[]) => {
    const started = await startGuarded(path.join(assets, program), args, directory);
    running.set(program, started);
    return started;
  };
  const etcdPort = await freePort();
  const port = await freePort();
  const kubeconfig = path.join(directory, Files.kubeconfig);
  const token = await prepareFiles(directory);
  const runApiServer = () => run("kube-apiserver", apiServerArguments(port, etcdPort));
  await run("etcd", etcdArguments(etcdPort, await freePort()));
  const apiServer = await runApiServer();
  await writeAdmin(directory, `https://127.0.0.1:${port}`, token, apiServer);
  await untilReady(kubeconfig, apiServer);
  await run("kube-controller-manager", CONTROLLER_MANAGER_ARGUMENTS);
  await run("kube-scheduler", SCHEDULER_ARGUMENTS);
  await run("kwok", KWOK_ARGUMENTS);
  await createNodes(kubeconfig);
  return {
    kubeconfig,
    apiServer: {
      kill: async () => running.get("kube-apiserver")?.end("SIGKILL"),
      start: async () => untilReady(kubeconfig, await runApiServer()),
    },
    pids: () => new Map([...running].map(([program, { pid }]) => [program, pid])),
    agentKubeconfig: () => createAgentKubeconfig(kubeconfig),
  };
}

/** Answers with the administrator's token. */
async function prepareFiles(directory: string): Promise<string> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const token = randomBytes(16).toString("hex");
  await mkdir(path.join(directory, path.dirname(Files.certificate)));
  await writeFile(path.join(directory, Files.serviceAccountKey), privateKey.export({ type: "pkcs1", format: "pem" }));
  await writeFile(path.join(directory, Files.tokens), `${token},admin,admin,system:masters\n`);
  return token;
}

/** As soon as the API server has made its certificate. */
async function writeAdmin(directory: string, server: string, token: string, program: GuardedProgram): Promise<void> {
  const certificate = await whileRunning(program, () => readFileSync(path.join(directory, Files.certificate), "utf8"));
  await writeKubeconfig(path.join(directory, Files.kubeconfig), { server, certificate, user: "admin", token });
}

async function untilReady(kubeconfig: string, program: GuardedProgram): Promise<void> {
  const core = readKubeconfig(kubeconfig).makeApiClient(CoreV1Api);
  // Made by the API server itself, after its start.
  await whileRunning(program, () => core.readNamespace({ name: "kube-system" }));
}

async function whileRunning<T>(program: GuardedProgram, check: () => T | Promise<T>): Promise<T> {
  const result = await eventually(async () => (program.ended() ? undefined : { value: await check() }), {
    timeoutMs: START_MS,
  });
  if (result === undefined) throw new Error(`it ended at once:\n${program.lastWords()}`);
  return result.value;
}

async function createNodes(kubeconfig: string): Promise<void> {
  const core = readKubeconfig(kubeconfig).makeApiClient(CoreV1Api);
  for (const name of ["node-1", "node-2"]) {
    const metadata = { name, labels: { "kubernetes.io/hostname": name } };
    await core.createNode({ body: { apiVersion: "v1", kind: "Node", metadata } });
  }
  // Pods are refused before it is there.
  await eventually(() => core.readNamespacedServiceAccount({ namespace: "default", name: "default" }), {
    timeoutMs: START_MS,
  });
}

async function stopAll(running: Map<string, GuardedProgram>, directory: string): Promise<void> {
  // Nothing is kept, so nothing has to be shut down.
  await Promise.all([...running.values()].map((program) => program.end("SIGKILL")));
  await rm(directory, { recursive: true, force: true });
}
