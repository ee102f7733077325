import pg from "pg";
import type { Engine } from "../../src/engine/index.ts";
import { recordReport, type ReportRow } from "../../src/rollout/index.ts";

/** A sentinel whose deploy is to be reported on. */
export interface Deploying {
  readonly id: string;
  readonly image: string;
  readonly deployNumber: number;
  readonly generation: number;
}

/** What to report; undefined: nothing. */
export type Behaviour = (deploying: Deploying) => Partial<ReportRow> | undefined;

/** Every deploy converges at once. */
export const converges: Behaviour = ({ image }) => ({ runningImage: image });

/** Nothing is ever reported. */
export const silent: Behaviour = () => undefined;

/** All converge but these, of which nothing is reported on `image`. */
export function silentOn(image: string, ...ids: string[]): Behaviour {
  return (deploying) => (deploying.image === image && ids.includes(deploying.id) ? undefined : converges(deploying));
}

/** All converge but these, which fail with a class on `image`. */
export function failingOn(image: string, ...ids: string[]): Behaviour {
  return (deploying) => {
    if (deploying.image !== image || !ids.includes(deploying.id)) return converges(deploying);
    return { health: "unhealthy", availableReplicas: 0, failureClass: "crash_loop", reason: "back-off restarting" };
  };
}

/** An agent in this process: reports on every deploy as `behaviour` says, as soon as it is committed. */
export class TestAgent {
  behaviour: Behaviour = converges;
  readonly #engine: Engine;
  readonly #client: pg.Client;
  #order = 0;
  #looking: Promise<void> | undefined;
  #again = false;

  private constructor(engine: Engine, client: pg.Client) {
    this.#engine = engine;
    this.#client = client;
  }

  static async start(url: string, engine: Engine): Promise<TestAgent> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const agent = new TestAgent(engine, client);
    client.on("notification", () => agent.look());
    await client.query("listen hydra_log");
    return agent;
  }

  /** Looks for deploys to report on, for example after the behaviour has changed. */
  look(): void {
    this.#again = true;
    this.#looking ??= this.#lookWhileAsked().finally(() => {
      this.#looking = undefined;
    });
  }

  /** Reports on one sentinel, whatever the behaviour. */
  async report(deploying: Deploying, report: Partial<ReportRow> = {}) {
    return await this.#engine.execute(recordReport, this.#rowOf(deploying, report));
  }

  async stop(): Promise<void> {
    this.#client.removeAllListeners("notification");
    await this.#looking;
    await this.#client.end();
  }

  async #lookWhileAsked(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      const { rows } = await this.#client.query<{ id: string; image: string; number: string; generation: string }>(
        "select id, image, deploy_number as number, generation from sentinels where deploy_status = 'progressing' order by id",
      );
      const deploying = rows.map((row) => ({
        ...row,
        deployNumber: Number(row.number),
        generation: Number(row.generation),
      }));
      const reports = deploying.flatMap((one) => {
        const report = this.behaviour(one);
        return report ? [this.#rowOf(one, report)] : [];
      });
      // The engine may be stopping.
      await this.#engine.executeMany(recordReport, reports).catch(() => {});
    }
  }

  #rowOf({ id, deployNumber, generation }: Deploying, report: Partial<ReportRow>): ReportRow {
    return {
      sentinelId: id,
      regionId: "test",
      deployNumber,
      observedGeneration: generation,
      deploymentUid: `uid-${id}`,
      reportOrder: ++this.#order,
      health: "healthy",
      runningImage: "",
      availableReplicas: 1,
      failureClass: "",
      reason: "",
      drift: "",
      takenFrom: "",
      ...report,
    };
  }
}
