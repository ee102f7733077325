export { cutPage, keyFromPageToken, pageSizeFrom, pageToken } from "./paging.ts";
export { rolloutQueries } from "./rollout-queries.ts";
export { sentinelQueries } from "./sentinel-queries.ts";
