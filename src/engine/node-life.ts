// SQL for effects that hold something for the node that writes them, for as
// long as that node lives: a node that is fenced off writes nothing any more
// (invariant E2), so what it held is free, without a lease of its own.

/** Expression: id of the node whose batch this is. */
export const THIS_NODE = `(
    select n.id from engine.nodes as n
     where n.backend_pid = pg_backend_pid() and n.fenced_at is null order by n.id desc limit 1)`;

/** Condition: the node with this id writes nothing any more. */
export function nodeIsOver(id: string): string {
  return `not exists (select from engine.nodes as n where n.id = ${id} and n.fenced_at is null)`;
}
