export { rolloutQueries } from "./rollout-queries.ts";
export { sentinelQueries } from "./sentinel-queries.ts";
