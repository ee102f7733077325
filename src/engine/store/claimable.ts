// What a node may take over: a fleet of servers need not know the same handlers.

/** Whether a node has the handler of an invocation. `node`: an expression. */
export function canRun(invocation: string, node: string): string {
  return `${invocation}.service || '/' || ${invocation}.handler
            = any ((select handlers from engine.nodes where id = ${node})::text[])`;
}

/** Whether some node that is up has the handler of `i`. */
export const SERVED = `exists (select from engine.nodes n where n.fenced_at is null
                      and (n.handlers is null or i.service || '/' || i.handler = any (n.handlers)))`;

/** Whether a node may take over `i`. One whose handler nobody has can still be killed, by anybody. */
export function claimable(node: string): string {
  return `(${canRun("i", node)} or i.stop_requested = 'kill' and not ${SERVED})`;
}
