import { ImportSentinelsResponseSchema, SentinelSpecSchema } from "../../gen/hydra/v1/sentinel_pb.ts";
import { ExitCode } from "../exit-codes.ts";
import { CommandError } from "../failure.ts";
import { toPlainText } from "../fit-text.ts";
import { checkCluster } from "../import/from-cluster/check-cluster.ts";
import { type ClusterDoor, placeText, type WhichDeployments } from "../import/from-cluster/found-deployments.ts";
import { KnownSentinels } from "../import/from-cluster/known-sentinels.ts";
import { type Adoption, type AdoptionOptions, idOf, planAdoption } from "../import/from-cluster/plan-adoption.ts";
import { importRows } from "../import/import-rows.ts";
import { jsonLine } from "../json-line.ts";
import type { Column } from "../listing/column.ts";
import { pages } from "../listing/pages.ts";
import { listingLines } from "../listing/show-listing.ts";
import type { Session } from "../session.ts";
import { countOf, formatCount } from "../words.ts";

export interface SentinelsAdoptOptions extends WhichDeployments, Omit<AdoptionOptions, "regionsOfCluster"> {
  /** Register them; otherwise only show. */
  readonly yes: boolean;
}

/** `hydra sentinels import --from-cluster`: registers Deployments that are there, all of them or none; the cluster is only read. */
export async function sentinelsAdopt(
  session: Session,
  door: ClusterDoor,
  options: SentinelsAdoptOptions,
): Promise<ExitCode> {
  const known = await knownSentinels(session);
  const found = await door.find(options, session.interrupted);
  const regionsOfCluster = await checkCluster(session, options.regionId, found.clusterUid);
  const adoptions = planAdoption(found.deployments, known, { ...options, regionsOfCluster });
  if (adoptions.length === 0) {
    session.terminal.complain("No Deployment is like that. See --selector, --namespace and --context.");
    return ExitCode.DONE;
  }
  if (!(session.json && options.yes)) await show(session, adoptions);
  refuse(session, adoptions);
  return options.yes ? await register(session, adoptions, options.regionId) : sayDryRun(session, adoptions);
}

async function knownSentinels({ client, interrupted }: Session): Promise<KnownSentinels> {
  const known = new KnownSentinels();
  const found = pages(async (request) => {
    const page = await client.sentinels.listSentinels(request, { signal: interrupted });
    return { rows: page.sentinels, nextPageToken: page.nextPageToken };
  });
  for await (const sentinels of found) for (const sentinel of sentinels) known.add(sentinel);
  return known;
}

const COLUMNS: readonly Column<Adoption>[] = [
  { title: "ID", value: (adoption) => idOf(adoption) ?? "", least: 16 },
  { title: "VERDICT", value: ({ verdict }) => verdict },
  { title: "NAMESPACE", value: ({ deployment }) => deployment.namespace, least: 8 },
  { title: "DEPLOYMENT", value: ({ deployment }) => deployment.name, least: 12 },
  { title: "REPLICAS", value: ({ deployment }) => `${deployment.replicas}`, align: "right", rank: 2 },
  { title: "IMAGE", value: (adoption) => imageOf(adoption), least: 12, cut: "start", rank: 1 },
];

function imageOf(adoption: Adoption): string {
  return adoption.verdict === "new" ? (adoption.spec.image ?? "") : "";
}

/** As JSON only what is new: it can be imported as it is, or edited before. */
async function show({ terminal, json }: Session, adoptions: readonly Adoption[]): Promise<void> {
  const lines = json
    ? specsOf(adoptions).map((spec) => jsonLine(SentinelSpecSchema, spec))
    : (await listingLines(COLUMNS, terminal))(adoptions);
  for (const line of lines) terminal.print(line);
}

/** @throws CommandError if there are any that cannot be registered. */
function refuse({ terminal }: Session, adoptions: readonly Adoption[]): void {
  const refused = adoptions.filter((each) => each.verdict === "refused");
  if (refused.length === 0) return;
  for (const { deployment, why } of refused) terminal.complain(toPlainText(`${placeText(deployment)}: ${why}.`));
  const these = refused.length === 1 ? "1 Deployment" : `${formatCount(refused.length)} Deployments`;
  throw new CommandError(
    `${these} cannot be registered, so none is. Put that right, or leave them out with --selector or --namespace.`,
    ExitCode.ERROR,
  );
}

function sayDryRun(session: Session, adoptions: readonly Adoption[]): ExitCode {
  const fresh = specsOf(adoptions).length;
  const would = `${countOf(fresh, "sentinel")} would be registered${knownWords(adoptions)}.`;
  say(session, fresh === 0 ? would : `${would} Nothing has been changed: --yes registers them.`);
  return ExitCode.DONE;
}

async function register(session: Session, adoptions: readonly Adoption[], regionId: string): Promise<ExitCode> {
  const rows = adoptions
    .filter((each) => each.verdict === "new")
    .map(({ deployment, spec }) => ({ place: placeText(deployment), spec, size: JSON.stringify(spec).length }));
  const response = await importRows(session, rows);
  if (session.json) {
    session.terminal.print(jsonLine(ImportSentinelsResponseSchema, response));
    return ExitCode.DONE;
  }
  say(session, `${countOf(rows.length, "sentinel")} registered${knownWords(adoptions)}.`);
  if (rows.length > 0) {
    say(session, `The agent of region ${regionId} marks their Deployments. See them: hydra sentinels list`);
  }
  return ExitCode.DONE;
}

function specsOf(adoptions: readonly Adoption[]) {
  return adoptions.flatMap((each) => (each.verdict === "new" ? [each.spec] : []));
}

function knownWords(adoptions: readonly Adoption[]): string {
  const known = adoptions.filter(({ verdict }) => verdict === "known").length;
  return known === 0 ? "" : `, ${formatCount(known)} known already`;
}

/** Beside rows that a program reads it would be one of them. */
function say({ terminal, json }: Session, line: string): void {
  if (terminal.live && !json) terminal.print(line);
  else terminal.complain(line);
}
