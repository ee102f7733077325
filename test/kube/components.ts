// The command lines of a control plane. All of it is real but the kubelets: kwok plays the nodes, as kube/stages.yaml
// has it.

import path from "node:path";
import { PINS } from "../../scripts/kube/assets.ts";

const STAGES = path.join(PINS, "stages.yaml");

/** Those that sentinels need, and no more: each costs memory and time. */
const CONTROLLERS = [
  "deployment-controller",
  "replicaset-controller",
  "namespace-controller",
  "garbage-collector-controller",
  "serviceaccount-controller",
  "disruption-controller",
  "endpointslice-controller",
  "resourcequota-controller",
  "horizontal-pod-autoscaler-controller",
];

/** Files in the directory of a control plane, which is where its programs work. */
export const Files = {
  serviceAccountKey: "sa.key",
  certificate: "tls/apiserver.crt",
  tokens: "tokens.csv",
  kubeconfig: "kubeconfig",
} as const;

export function etcdArguments(clientPort: number, peerPort: number): string[] {
  const client = `http://127.0.0.1:${clientPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return [
    "--data-dir=etcd",
    "--unsafe-no-fsync",
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
  ];
}

export function apiServerArguments(port: number, etcdPort: number): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    // It makes itself a certificate at its first start, and keeps it.
    "--cert-dir=tls",
    `--token-auth-file=${Files.tokens}`,
    "--authorization-mode=RBAC",
    "--service-cluster-ip-range=10.0.0.0/24",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${Files.serviceAccountKey}`,
    `--service-account-signing-key-file=${Files.serviceAccountKey}`,
    // It taints new nodes until the node-lifecycle controller takes that back, which is not run here.
    "--disable-admission-plugins=TaintNodesByCondition",
    "--profiling=false",
  ];
}

const CLIENT = [`--kubeconfig=${Files.kubeconfig}`];
const EAGER = ["--leader-elect=false", "--kube-api-qps=500", "--kube-api-burst=1000"];

export const CONTROLLER_MANAGER_ARGUMENTS = [
  ...CLIENT,
  ...EAGER,
  "--secure-port=0",
  "--concurrent-deployment-syncs=20",
  "--concurrent-replicaset-syncs=20",
  `--controllers=${CONTROLLERS.join(",")}`,
];

export const SCHEDULER_ARGUMENTS = [...CLIENT, ...EAGER, "--secure-port=0"];

export const KWOK_ARGUMENTS = [...CLIENT, "--manage-all-nodes", `--config=${STAGES}`, "--cidr=10.1.0.0/16"];
