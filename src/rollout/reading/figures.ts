import type { RolloutStateName } from "../phase.ts";
import { LONGEST_SILENCE } from "../silence.ts";
import { type Database, rowsOf } from "./database.ts";
import { inhabitedRegions } from "./inhabited-regions.ts";

/** Regions that are told of one by one; the first ones by id. */
const MOST_REGIONS = 100;

/** What metrics tell of the domain's tables, as one statement saw them. */
export interface DomainFigures {
  /** By state, of all rollouts there were. */
  readonly rollouts: Readonly<Record<RolloutStateName, number>>;
  /** Targets of the latest rollout by outcome, `none` being those without; all 0 before the first one. */
  readonly targets: Readonly<Record<"ready" | "failed" | "skipped" | "reverted" | "none", number>>;
  /** Those of them that are being deployed or reverted. */
  readonly inFlight: number;
  readonly notifications: { readonly waiting: number; readonly oldestAgeSeconds: number };
  /** Seen within the last minute, and not gone. */
  readonly agentsConnected: number;
  /** Sentinels of which somebody has changed in the cluster what was applied. */
  readonly drifted: number;
  readonly regions: {
    readonly known: number;
    /** With an agent that was seen within the last minute. */
    readonly seen: number;
    /** With sentinels, and no agent that was seen within the last minute. */
    readonly withoutAgent: number;
    /** When an agent was seen last, in seconds since 1970, by region; of at most 100 regions. */
    readonly lastSeen: Readonly<Record<string, number>>;
  };
}

const NO_ROLLOUTS: DomainFigures["rollouts"] = {
  in_progress: 0,
  paused: 0,
  rolling_back: 0,
  cancelled: 0,
  completed: 0,
};

/** Reads them. Nothing it reads grows with the fleet: targets are counted by their waves. */
export async function readDomainFigures(database: Database): Promise<DomainFigures> {
  const [row] = await rowsOf<{ figures: DomainFigures }>(
    database,
    `with recursive ${inhabitedRegions("''")}
     select json_build_object(
       'rollouts', (select coalesce(json_object_agg(state, n), '{}')
                      from (select state, count(*) as n from rollouts group by state) as by_state),
       'targets', json_build_object('ready', latest.ready, 'failed', latest.failed, 'skipped', latest.skipped,
                                    'reverted', latest.reverted, 'none', latest.none),
       'inFlight', latest.in_flight,
       'notifications', (select json_build_object('waiting', waiting, 'oldestAgeSeconds', coalesce(
                                  (select greatest(extract(epoch from clock_timestamp() - time), 0)
                                     from rollout_events where sequence = oldest), 0))
                           from (select count(*) as waiting, min(sequence) as oldest from notifications) as outbox),
       'agentsConnected', (select count(*) from agents where left_at is null and last_seen_at > now() - ${LONGEST_SILENCE}),
       'drifted', (select count(*) from sentinels where drift <> ''),
       'regions', json_build_object(
         'known', (select count(*) from regions),
         'seen', (select count(*) from regions where last_seen_at > now() - ${LONGEST_SILENCE}),
         'withoutAgent', (select count(*) from inhabited as i left join regions as r on r.region_id = i.region_id
                           where i.region_id is not null and r.last_seen_at > now() - ${LONGEST_SILENCE} is not true),
         'lastSeen', (select coalesce(json_object_agg(region_id, extract(epoch from last_seen_at)), '{}')
                        from (select region_id, last_seen_at from regions
                               order by region_id limit ${MOST_REGIONS}) as first_ones))
     ) as figures
     from (select coalesce(sum(ready), 0) as ready, coalesce(sum(failed), 0) as failed,
                  coalesce(sum(skipped), 0) as skipped, coalesce(sum(reverted), 0) as reverted,
                  coalesce(sum(size - ready - failed - skipped - reverted), 0) as none,
                  coalesce(sum(in_flight), 0) as in_flight
             from rollout_waves
            where rollout_id = (select id from rollouts order by number desc limit 1)) as latest`,
  );
  if (!row) throw new Error("no figures");
  return { ...row.figures, rollouts: { ...NO_ROLLOUTS, ...row.figures.rollouts } };
}
