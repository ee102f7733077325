import { examples } from "./help-text.ts";
import { run, serverCommand } from "./server-command.ts";
import type { CliSurroundings } from "./surroundings.ts";

const FROM_FILE = `
Each object is one sentinel, with the names of the table's columns: id, and on a new one region_id, k8s_namespace,
k8s_name and image; as one likes workspace_id, project_id, environment_id, desired_state (running, standby, archived),
desired_replicas, cpu_millicores, memory_mib. What is left out stays as it is. What hydra itself finds out (health,
running_image, …) may be there and is passed over, so that the output of \`hydra sentinels list --json\` can be imported.`;

const FROM_CLUSTER = `
With --from-cluster: Deployments that are there become sentinels with the image that they have. Without --yes it only shows
what it would register; the cluster is only read. An id is what the label hydra.dev/sentinel.id or that of --id-label
says, otherwise name.namespace.region. Those that hydra knows already are left as they are. With --json: what is new, as
objects that can be imported.`;

type FromCluster = Omit<ReturnType<ReturnType<typeof command>["opts"]>, "url" | "token" | "json">;

export function importCommand(surroundings: CliSurroundings) {
  const { cluster } = surroundings;
  return command()
    .addHelpText("after", FROM_FILE)
    .addHelpText("after", FROM_CLUSTER)
    .addHelpText(
      "after",
      "\nExit codes: 0 imported (or shown), 1 nothing imported, 2 wrong usage, 5 no server or connection lost.",
    )
    .addHelpText(
      "after",
      examples(
        "hydra sentinels import fleet.jsonl",
        "hydra sentinels list --json | hydra sentinels import - --url $OTHER",
        "hydra sentinels import --from-cluster --region eu-1 --selector app=sentinel",
        "hydra sentinels import --from-cluster --region eu-1 --selector app=sentinel --workspace label:acme.dev/team --yes",
      ),
    )
    .action(async (file, { url, token, json, ...flags }, self) => {
      const problem = problemOf(file, flags, cluster?.defaults.regionId);
      if (problem !== undefined) self.error(`error: ${problem}`);
      await run(surroundings, { url, token, json }, async (session) => {
        if (file !== undefined) {
          const { sentinelsImport } = await import("../commands/sentinels-import.ts");
          return sentinelsImport(session, file);
        }
        if (cluster === undefined) throw new Error("this program has no way to a cluster");
        const { sentinelsAdopt } = await import("../commands/sentinels-adopt.ts");
        const { regionId = "", container } = cluster.defaults;
        return sentinelsAdopt(session, cluster, {
          ...flags,
          regionId: flags.region ?? regionId,
          container: flags.container ?? container,
        });
      });
    });
}

function command() {
  return serverCommand("import", "create or change many sentinels: all of them, or none where one is wrong")
    .argument("[file]", "JSON lines or one JSON array of objects; - is standard input")
    .option("--from-cluster", "Deployments of a cluster instead of a file", false)
    .option("--region <id>", "region that the cluster is (HYDRA_AGENT_REGION)")
    .option("--kubeconfig <file>", "which cluster (KUBECONFIG, or ~/.kube/config)")
    .option("--context <name>", "of the kubeconfig; its current one unless given")
    .option("--selector <labels>", "which Deployments, as kubectl has it: app=sentinel,tier!=dev")
    .option("--namespace <name>", "only those of this namespace")
    .option("--container <name>", "that has the image (HYDRA_AGENT_CONTAINER; sentinel unless set)")
    .option("--id-label <key>", "label whose value is the id, where a Deployment has it")
    .option("--workspace <id>", "workspace_id of each, or label:KEY")
    .option("--project <id>", "project_id of each, or label:KEY")
    .option("--environment <id>", "environment_id of each, or label:KEY")
    .option("--yes", "register them", false);
}

/** What is wrong with the command line; undefined: nothing. */
function problemOf(file: string | undefined, flags: FromCluster, regionId: string | undefined): string | undefined {
  const { fromCluster, ...more } = flags;
  if (!fromCluster) {
    const needless = Object.entries(more).find(([, value]) => value !== undefined && value !== false)?.[0];
    if (needless !== undefined) return `${flagOf(needless)} goes with --from-cluster`;
    return file === undefined ? "missing required argument 'file', or --from-cluster" : undefined;
  }
  if (file !== undefined) return "a file and --from-cluster exclude each other";
  if ((flags.region ?? regionId) === undefined) return "which region is the cluster? Name it with --region";
  // Without either it would be every Deployment there is, those of the cluster's own system included.
  if (!flags.selector && !flags.namespace) return "which Deployments? Name them with --selector, --namespace, or both";
  return undefined;
}

/** `idLabel`: `--id-label`. */
function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
