import type { IdempotencyClaim, Unit } from "../unit.ts";
import { type Columns, statementOver } from "./columns.ts";
import type { Row, Statement } from "./pipeline.ts";

const CLAIM_COLUMNS: Columns<IdempotencyClaim> = [
  ["text", (row) => row.service],
  ["text", (row) => row.key],
  ["text", (row) => row.handler],
  ["text", (row) => row.idempotencyKey],
  ["int8", (row) => row.invocationId],
];

/**
 * Takes idempotency keys for calls, or finds who has them. The update of a row
 * that exists waits for a call under the same key whose outcome is open.
 */
export function claimKeys(units: readonly Unit[]): Statement {
  const text = `
    insert into engine.idempotency as i (service, key, handler, idempotency_key, invocation_id)
    select c.service, c.key, c.handler, c.idempotency_key, c.invocation_id
      from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int8[])
           as c(service, key, handler, idempotency_key, invocation_id)
     order by 1, 2, 3, 4
    on conflict (service, key, handler, idempotency_key) do update set invocation_id = i.invocation_id
    returning service, key, handler, idempotency_key, invocation_id`;
  return statementOver(
    "claim_keys",
    text,
    CLAIM_COLUMNS,
    units.flatMap((unit) => unit.claim ?? []),
  );
}

/** Which units' keys belong to invocations that were there before. */
export function existingClaims(units: readonly Unit[], rows: readonly Row[]): Map<Unit, number> {
  const holders = new Map(rows.map((row) => [JSON.stringify(row.slice(0, 4)), Number(row[4])]));
  const existing = new Map<Unit, number>();
  for (const unit of units) {
    const { service, key, handler, idempotencyKey, invocationId } = unit.claim as IdempotencyClaim;
    const holder = holders.get(JSON.stringify([service, key, handler, idempotencyKey]));
    if (holder !== undefined && holder !== invocationId) existing.set(unit, holder);
  }
  return existing;
}
