export { startEmbeddedPostgres } from "./embedded-postgres.ts";
export type { EmbeddedPostgres, EmbeddedPostgresOptions } from "./embedded-postgres.ts";
export { findEmbeddedPostgres } from "./find-embedded-postgres.ts";
export { isDiskFull } from "./disk-space.ts";
export { DiskFullError, EmbeddedPostgresError } from "./errors.ts";
export type { ExitStatus } from "./guarded-process.ts";
