import { create } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { type HydraClient, hydraClientOf, type SentinelSpec, SentinelSpecSchema } from "../client/index.ts";

/** Where new simulated sentinels run, and what. */
const REGION = "dev";
const FIRST_IMAGE = "ghcr.io/acme/sentinel:v1.0.0";

const PAGE_SIZE = 1_000;

/**
 * Makes the sentinels `snt_000001` up to `snt_<count>` where they do not exist;
 * those that do stay as they are.
 *
 * @returns how many sentinels there are now, and their regions.
 */
export async function ensureFleet(
  transport: Transport,
  count: number,
): Promise<{ size: number; regionIds: readonly string[] }> {
  const client = hydraClientOf(transport);
  const { ids, regions } = await listFleet(client);
  const missing = Array.from({ length: count }, (_, index) => sentinelId(index + 1)).filter((id) => !ids.has(id));
  if (missing.length > 0) await client.sentinels.importSentinels(batches(missing.map(newSentinel)));
  return { size: ids.size + missing.length, regionIds: [...new Set([REGION, ...regions])] };
}

function sentinelId(number: number): string {
  return `snt_${String(number).padStart(6, "0")}`;
}

function newSentinel(id: string): SentinelSpec {
  return create(SentinelSpecSchema, {
    id,
    workspaceId: "ws_dev",
    projectId: "prj_dev",
    environmentId: "env_dev",
    regionId: REGION,
    k8sNamespace: "sentinels",
    k8sName: id.replaceAll("_", "-"),
    image: FIRST_IMAGE,
  });
}

async function* batches(sentinels: readonly SentinelSpec[]): AsyncGenerator<{ sentinels: SentinelSpec[] }> {
  for (let from = 0; from < sentinels.length; from += PAGE_SIZE) {
    yield { sentinels: sentinels.slice(from, from + PAGE_SIZE) };
  }
}

async function listFleet(client: HydraClient): Promise<{ ids: Set<string>; regions: Set<string> }> {
  const ids = new Set<string>();
  const regions = new Set<string>();
  let pageToken = "";
  do {
    const page = await client.sentinels.listSentinels({ pageSize: PAGE_SIZE, pageToken });
    for (const sentinel of page.sentinels) {
      ids.add(sentinel.id);
      regions.add(sentinel.regionId);
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return { ids, regions };
}
