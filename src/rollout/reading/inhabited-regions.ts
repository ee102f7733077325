/**
 * Recursive CTE `inhabited`: region_id of every region that has a sentinel, in
 * order, after a text; its last row is null. It goes from one region to the next
 * in their index, so what it reads does not grow with the fleet.
 */
export function inhabitedRegions(after: string): string {
  return `inhabited as (
  (select region_id from sentinels where region_id > ${after} order by region_id limit 1)
  union all
  select (select s.region_id from sentinels as s where s.region_id > i.region_id order by s.region_id limit 1)
    from inhabited as i where i.region_id is not null
)`;
}
