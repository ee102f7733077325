import pg from "pg";

export interface EventRow {
  rolloutId: string;
  type?: string;
  state?: string;
  sentinelId?: string;
}

/** Writes the domain's log as its effects do: numbered under the lock of one row, told of on commit. */
export class EventLog implements AsyncDisposable {
  readonly pool: pg.Pool;

  constructor(databaseUrl: string, connections = 4) {
    this.pool = new pg.Pool({ connectionString: databaseUrl, max: connections });
    this.pool.on("error", () => {});
    // One that is still being closed when its database goes away has nobody else to hear of it.
    this.pool.on("connect", (client) => client.on("error", () => {}));
  }

  async addRollout(id: string, state = "in_progress"): Promise<void> {
    await this.pool.query(
      `insert into rollouts (id, image, wave_percentages, state, driver, notifies)
       values ($1, 'acme/sentinel:v2', '{50,100}', $2, 'inv_1', false)`,
      [id, state],
    );
  }

  async addWave(rolloutId: string, counts: { size: number; inFlight: number }): Promise<void> {
    await this.pool.query(
      `insert into rollout_waves (rollout_id, wave_index, percentage, first_target, size, in_flight)
       values ($1, 0, 100, 0, $2, $3)`,
      [rolloutId, counts.size, counts.inFlight],
    );
  }

  /** Adds events in one commit; `also` runs in it, too. */
  async add(events: readonly EventRow[], also: (client: pg.ClientBase) => Promise<unknown> = async () => {}) {
    const client = await this.pool.connect();
    try {
      await client.query("begin");
      await client.query("select 1 from rollout_log for update");
      const { rows } = await client.query(
        "update rollout_log set event_sequence = event_sequence + $1 returning event_sequence - $1 as before",
        [events.length],
      );
      await client.query(
        `insert into rollout_events (sequence, time, rollout_id, state, type, sentinel_id)
         select $1::bigint + e.ord, now(), e.rollout_id, e.state, e.type, e.sentinel_id
           from unnest($2::text[], $3::text[], $4::text[], $5::text[])
                with ordinality as e(rollout_id, state, type, sentinel_id, ord)`,
        [
          rows[0].before,
          events.map((event) => event.rolloutId),
          events.map((event) => event.state ?? "in_progress"),
          events.map((event) => event.type ?? "sentinel_ready"),
          events.map((event) => event.sentinelId ?? null),
        ],
      );
      await also(client);
      await client.query("select pg_notify('hydra_log', event_sequence || ' ' || change_version) from rollout_log");
      await client.query("commit");
    } finally {
      client.release();
    }
  }

  /** Forgets events up to a number, as retention does. */
  async forget(upTo: number): Promise<void> {
    await this.pool.query("delete from rollout_events where sequence <= $1", [upTo]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.end();
  }
}
