import { type DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import { SentinelDesiredState } from "../../../gen/hydra/v1/sentinel_pb.ts";
import { Backoff } from "../../backoff.ts";
import { type Hindrance, judge, judgeUnapplied, type Memory } from "../convergence/index.ts";
import type { DeploymentView, Failure, Place } from "../objects.ts";
import { AppliedSoFar } from "./applied-so-far.ts";
import { isSameDesire, isSamePlace } from "./desires.ts";
import { lookAt, observedBy, placeOf } from "./observed.ts";
import { ReportFilter } from "./report-filter.ts";
import { Stage } from "./report-order.ts";
import type { Surroundings } from "./surroundings.ts";
import { transientWords } from "./transient-words.ts";

// One sentinel in its cluster.
//
//   K1. The newest desire wins: it is taken when a write's turn has come, and
//       ends every wait that is for an older one.
//   K2. One thing at a time: a look, a write or a removal.
//   K3. Nothing is written unless something new is desired, whatever somebody has
//       made of the Deployment meanwhile.
//   K4. It is judged only by objects that show its own last write.
//   K5. What the cluster refuses is not tried again until something new is
//       desired, or everything is compared anew.
//   K6. Trouble that passes is tried again for as long as it takes, and told.
//   K7. Places it has left are cleaned up before anything else; where it has left
//       hydra nothing is told of it any more.
//   K10. While it is in doubt whether what is desired is older than what was
//       applied (N2), nothing is written or told.

const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class SentinelInCluster {
  readonly #id: string;
  readonly #around: Surroundings;
  readonly #onGone: () => void;
  readonly #applied: AppliedSoFar;
  readonly #filter = new ReportFilter();
  readonly #backoff = Backoff.forCluster();
  readonly #leaving: Place[] = [];
  #desired: DesiredSentinel | undefined;
  #refused: { readonly desired: DesiredSentinel; readonly failure: Failure } | undefined;
  #memory: Memory | undefined;
  #recheck: NodeJS.Timeout | undefined;
  #newer = new AbortController();
  #isDue = false;
  #isWorking = false;

  /** @param onGone Told when it has left hydra and nothing of it is left to do. */
  constructor(id: string, around: Surroundings, onGone: () => void) {
    this.#id = id;
    this.#around = around;
    this.#onGone = onGone;
    this.#applied = new AppliedSoFar(around.cluster.objects);
  }

  /** Where it is; undefined: it has left hydra. */
  get place(): Place | undefined {
    return this.#desired && placeOf(this.#desired);
  }

  /** K10. */
  get isInDoubt(): boolean {
    return this.#applied.isInDoubt;
  }

  /** Takes the newest desire; `look` does what follows. */
  want(desired: DesiredSentinel): void {
    const before = this.#desired;
    // The first message counts, also for what hydra has had reports on: by now those may be this agent's own,
    // that it could not apply it yet.
    if (before && isSameDesire(before, desired)) return;
    this.#desired = desired;
    const place = placeOf(desired);
    if (before && !isSamePlace(placeOf(before), place)) this.#leaving.push(placeOf(before));
    const back = this.#leaving.findIndex((left) => isSamePlace(left, place));
    if (back >= 0) this.#leaving.splice(back, 1);
    this.#cutWaits();
  }

  /** This place is no longer hydra's; `look` does what follows. */
  leave(place: Place): void {
    if (this.place && isSamePlace(this.place, place)) this.forget();
    if (!this.#leaving.some((left) => isSamePlace(left, place))) this.#leaving.push(place);
  }

  /** It has left hydra; its objects stay as they are. */
  forget(): void {
    this.#desired = undefined;
    this.#cutWaits();
  }

  /** Everything is compared anew: what was refused is tried, what was told is told again (K5). */
  resync(): void {
    this.#refused = undefined;
    this.#applied.synced();
    this.#filter.repeat();
  }

  /** Something has changed: what is desired, the cluster, or the time. Any number of calls. */
  look(): void {
    this.#isDue = true;
    if (!this.#isWorking) void this.#work();
  }

  /** Whatever is under way ends with the signal. */
  stop(): void {
    clearTimeout(this.#recheck);
  }

  /** K2. */
  async #work(): Promise<void> {
    const { signal } = this.#around;
    this.#isWorking = true;
    while (this.#isDue && !signal.aborted) {
      this.#isDue = false;
      try {
        await this.#step();
      } catch (error) {
        if (signal.aborted) break;
        await this.#waitOut(error);
        this.#isDue = true;
      }
    }
    this.#isWorking = false;
    if (signal.aborted || this.#desired) return;
    this.stop();
    this.#onGone();
  }

  async #step(): Promise<void> {
    const [left] = this.#leaving;
    if (left) return this.#remove(left);
    const desired = this.#desired;
    if (!desired) return;
    const isNews = this.#applied.isNews(desired);
    if (this.isInDoubt) return;
    if (!isNews) await this.#judge(desired);
    else if (this.#refused && isSameDesire(this.#refused.desired, desired)) this.#tellRefusal(this.#refused.failure);
    else await this.#apply();
  }

  async #remove(place: Place): Promise<void> {
    const { queue, cluster, signal } = this.#around;
    await queue.add(async () => {
      // It may be back by now.
      if (!this.#leaving.includes(place)) return;
      await cluster.applier.remove(this.#id, place, signal);
      if (!this.place || isSamePlace(this.place, place)) this.#applied.removed(place);
    });
    const done = this.#leaving.indexOf(place);
    if (done >= 0) this.#leaving.splice(done, 1);
    this.#backoff.reset();
    this.#isDue = true;
  }

  async #apply(): Promise<void> {
    const { queue, cluster, signal, counts, log } = this.#around;
    this.#isDue = true;
    const written = await queue.add(async () => {
      const desired = this.#desired;
      if (!desired || !this.#applied.isNews(desired)) return undefined;
      return { desired, applied: await cluster.applier.apply(desired, signal, this.#applied.disbelieved) };
    });
    this.#backoff.reset();
    if (!written) return;
    const { desired, applied } = written;
    if (applied.kind === "refused") {
      counts.refused += 1;
      this.#refused = { desired, failure: applied.failure };
      log.warn({ ...fieldsOf(desired), reason: applied.failure.reason }, "the cluster refuses what is desired");
      return;
    }
    counts.applied += 1;
    log.info({ ...fieldsOf(desired), image: desired.image }, "applied what is desired");
    if (this.place && isSamePlace(this.place, placeOf(desired))) await this.#hear(desired, applied.deployment);
  }

  /** K4. */
  async #hear(desired: DesiredSentinel, deployment: DeploymentView | undefined): Promise<void> {
    this.#applied.wrote(desired);
    if (!deployment) return;
    const waiting = AbortSignal.any([this.#around.signal, this.#newer.signal]);
    await this.#around.cluster.upToDate(deployment.resourceVersion, waiting).catch((error: unknown) => {
      if (!waiting.aborted) throw error;
    });
    if (!waiting.aborted) this.#applied.heard();
  }

  async #judge(desired: DesiredSentinel): Promise<void> {
    const { cluster, look, graceMs } = this.#around;
    this.#refused = undefined;
    const seen = lookAt(desired, cluster.objects, look);
    const isMissing = !seen.deployment && desired.desiredState !== SentinelDesiredState.ARCHIVED;
    const situation = isMissing ? { ...seen, unlabelled: await this.#exists(desired) } : seen;
    // Asking takes its time.
    if (this.#desired !== desired || (isMissing && cluster.objects.deployment(placeOf(desired)))) {
      this.#isDue = true;
      return;
    }
    const verdict = judge(situation, { nowMs: performance.now(), graceMs }, this.#memory);
    this.#memory = verdict.memory;
    this.#backoff.reset();
    this.#lookAgainAt(verdict.recheckAtMs);
    this.#send(observedBy(verdict, situation, Stage.GRACE_OVER));
  }

  /** Once something newer is desired the answer is of no interest (K1). */
  async #exists(desired: DesiredSentinel): Promise<boolean> {
    const newer = this.#newer.signal;
    const asking = AbortSignal.any([this.#around.signal, newer]);
    return this.#around.cluster.exists(placeOf(desired), asking).catch((error: unknown) => {
      if (newer.aborted) return false;
      throw error;
    });
  }

  #tellRefusal(failure: Failure): void {
    this.#tellUnapplied({ failure, reason: failure.reason }, Stage.REFUSED);
  }

  /** K6. */
  async #waitOut(error: unknown): Promise<void> {
    const { signal, log, counts } = this.#around;
    counts.failed += 1;
    const fields = { err: error, sentinelId: this.#id, failures: this.#backoff.failures + 1 };
    if (this.#backoff.failures === 0)
      log.warn(fields, "could not reach or write the sentinel's Deployment, trying again");
    else log.debug(fields, "could not reach or write the sentinel's Deployment yet, trying again");
    if (!this.#onlyCleansUp()) this.#tellUnapplied({ reason: transientWords(error) }, Stage.SEEN);
    await this.#backoff.wait(error, AbortSignal.any([signal, this.#newer.signal]));
  }

  /** Where it is now all has been applied. */
  #onlyCleansUp(): boolean {
    return this.#leaving.length > 0 && this.#desired !== undefined && !this.#applied.isNews(this.#desired);
  }

  #tellUnapplied(hindrance: Hindrance, stage: (typeof Stage)[keyof typeof Stage]): void {
    if (!this.#desired) return;
    const situation = lookAt(this.#desired, this.#around.cluster.objects, this.#around.look);
    this.#lookAgainAt(undefined);
    this.#send(observedBy(judgeUnapplied(situation, hindrance), situation, stage));
  }

  #send(observed: Parameters<Surroundings["report"]>[0]): void {
    const report = this.#filter.pass(observed);
    if (report) this.#around.report(report);
  }

  #lookAgainAt(atMs: number | undefined): void {
    clearTimeout(this.#recheck);
    if (atMs === undefined || this.#around.signal.aborted) return;
    // A timer may fire a little early. One that is longer than Node's longest would fire at once.
    const delayMs = Math.min(atMs - performance.now() + 1, LONGEST_TIMER_MS);
    this.#recheck = setTimeout(() => this.look(), delayMs);
  }

  #cutWaits(): void {
    this.#newer.abort();
    this.#newer = new AbortController();
  }
}

function fieldsOf({ sentinelId, k8sNamespace, k8sName, generation, deployNumber }: DesiredSentinel): object {
  return { sentinelId, k8sNamespace, k8sName, generation: Number(generation), deployNumber: Number(deployNumber) };
}
