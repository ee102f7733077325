import type { Completion } from "../journal.ts";
import type { KeyLines, LineLength } from "../key-lines.ts";
import type { BatchOutcome, Birth, OperationsByKind, OwnedInvocation } from "../operations.ts";
import { numberOrUndefined } from "./columns.ts";
import { complete, completeAndCount, freeKeys, promote } from "./completions.ts";
import type { Row, Statement } from "./pipeline.ts";
import { claimable } from "./claimable.ts";
import { lineLengthFromRow } from "./lines.ts";
import * as stops from "./stops.ts";
import * as writes from "./writes.ts";

export interface WriteRequest {
  readonly nodeId: number;
  readonly operations: OperationsByKind;
  readonly lines: KeyLines;
  isLocal(invocationId: number): boolean;
  isAwaited(invocationId: number): boolean;
}

/** A statement of the engine's own, and what its rows are. */
export interface Write {
  readonly statement: Statement;
  readonly rows?: "crowded" | "born" | "promoted" | "claimed" | "resolved" | "fannedIn" | "stopped";
}

const NOTIFY_BYTES = 7_900;

/** All that a batch writes besides effects, in the order in which it must run. */
export function writeStatements(request: WriteRequest): Write[] {
  const { operations: by, nodeId } = request;
  const list: Write[] = [];
  const add = (statement: Statement | undefined, rows?: Write["rows"]) => {
    if (statement) list.push(rows ? { statement, rows } : { statement });
  };
  const stopping = stops.distinctStops(by.stop);
  add(stops.lockKeys(by.birth, by.completion, stopping));
  add(acquire(by, request.lines.crowdedFrom), "crowded");
  if (by.birth.length > 0) add(writes.insertInvocations(by.birth, nodeId), "born");
  if (by.entry.length > 0) add(writes.insertEntries(by.entry));
  for (const copy of by.journal_copy) add(writes.copyJournal(copy));
  for (const statement of writes.writeState(by.state)) add(statement);
  if (by.timer.length > 0) add(writes.insertTimers(by.timer));
  if (by.resolution.length > 0) add(writes.insertResolutions(by.resolution), "resolved");
  if (stopping.length > 0) {
    add(stops.withdraw(stopping));
    add(stops.requestStops(stopping), "stopped");
  }
  if (by.attempt_failure.length > 0) add(writes.recordAttemptFailures(by.attempt_failure, nodeId));
  if (by.parking.length > 0) add(stops.park(by.parking, nodeId));
  if (by.forget_key.length > 0) add(writes.forgetKeys(by.forget_key));
  addCompletions(by, nodeId, add);
  if (by.suspension.length > 0) add(writes.suspend(by.suspension, nodeId));
  for (const each of by.hand_back) add(writes.handBack(each, nodeId));
  const woken = [...waitingElsewhere(request), ...by.wake.map(({ id }) => id)];
  if (woken.length > 0) add(writes.wake(woken));
  for (const { limit } of by.activate_due) add(activateDue(limit));
  for (const { limit } of by.claim) add(claim(limit, nodeId), "claimed");
  add(notify(notifications(request)));
  return list;
}

function acquire(by: OperationsByKind, crowdedFrom: number): Statement | undefined {
  return by.birth.length > 0 ? writes.acquireKeys(by.birth, crowdedFrom) : undefined;
}

function addCompletions(
  by: OperationsByKind,
  nodeId: number,
  add: (statement: Statement | undefined, rows?: Write["rows"]) => void,
): void {
  if (by.completion.length === 0) return;
  const counted = by.completion.some((completion) => completion.counted);
  if (counted) add(completeAndCount(by.completion, nodeId), "fannedIn");
  else add(complete(by.completion, nodeId));
  const withTimers = by.completion.filter((completion) => completion.timers);
  if (withTimers.length > 0) add(writes.deleteTimers(withTimers));
  const exclusive = by.completion.filter((completion) => completion.exclusive);
  if (exclusive.length > 0) {
    add(freeKeys(exclusive));
    add(promote(exclusive, nodeId), "promoted");
  }
}

function claim(limit: number, nodeId: number): Statement {
  const text = `
    with picked as (
      select i.id from engine.invocations i where i.status = 'ready' and ${claimable("$2::int8")}
       order by i.priority, i.arrival limit $1::int4 for update skip locked
    )
    update engine.invocations i set status = 'running', owner = $2::int8, attempts = i.attempts + 1
      from picked p where i.id = p.id
    returning ${writes.OWNED_COLUMNS}`;
  return { name: "claim", text, values: [String(limit), String(nodeId)] };
}

function activateDue(limit: number): Statement {
  return { name: "activate_due", text: "select engine.activate_due($1::int4)", values: [String(limit)] };
}

/** Hints for other nodes: `w` look at these, `d` these have ended, `r` there is work for anybody. */
function notifications(request: WriteRequest): string[] {
  const { operations: by, isLocal, isAwaited } = request;
  const look = waitingElsewhere(request);
  for (const { id } of by.stop) if (!isLocal(id)) look.add(id);
  const ended = by.completion.filter((end) => end.parentEntry === undefined && !isAwaited(end.id)).map(({ id }) => id);
  const messages = [...chunks("w", look), ...chunks("d", ended)];
  if (
    look.size > 0 ||
    by.wake.length > 0 ||
    by.hand_back.length > 0 ||
    by.birth.some((birth) => !birth.claim && birth.answer === undefined) ||
    by.activate_due.length > 0
  ) {
    messages.push("r");
  }
  return messages;
}

/** Invocations that something has come for, and that are not in this node's memory. */
function waitingElsewhere({ operations: by, isLocal }: WriteRequest): Set<number> {
  const ids = new Set<number>();
  for (const { invocationId } of by.resolution) if (!isLocal(invocationId)) ids.add(invocationId);
  for (const { parentId, parentEntry, counted } of by.completion) {
    const called = parentId !== undefined && parentEntry !== undefined && !counted;
    if (called && !isLocal(parentId)) ids.add(parentId);
  }
  return ids;
}

function* chunks(letter: string, ids: Iterable<number>): Iterable<string> {
  let message = "";
  for (const id of ids) {
    const next = message === "" ? `${letter}${id}` : `${message},${id}`;
    if (next.length > NOTIFY_BYTES) {
      yield message;
      message = `${letter}${id}`;
    } else {
      message = next;
    }
  }
  if (message !== "") yield message;
}

function notify(messages: readonly string[]): Statement | undefined {
  if (messages.length === 0) return undefined;
  const text = "select pg_notify('engine', m) from unnest(string_to_array($1::text, ';')) as m";
  return { name: "notify", text, values: [messages.join(";")] };
}

/** The lines that have grown long by a committed batch. */
export function readCrowded(list: readonly Write[], rows: readonly Row[][]): LineLength[] {
  return list.flatMap((write, i) => (write.rows === "crowded" ? (rows[i] ?? []).map(lineLengthFromRow) : []));
}

/** What the rows of a committed batch say. `births`: those of the batch. */
export function readOutcome(list: readonly Write[], rows: readonly Row[][], births: readonly Birth[]): BatchOutcome {
  const rowsOf = (kind: Write["rows"]) => list.flatMap((write, i) => (write.rows === kind ? (rows[i] ?? []) : []));
  const born = new Map(rowsOf("born").map((row) => [Number(row[0]), String(row[1])]));
  const claims = list.filter((write) => write.rows === "claimed");
  const claimed = rowsOf("claimed").map(ownedInvocationFromRow);
  return {
    owned: [
      ...births.filter((birth) => born.get(birth.id) === "running").map(ownedInvocationFromBirth),
      ...rowsOf("promoted")
        .filter((row) => row.at(-1) === "running")
        .map(ownedInvocationFromRow),
      ...claimed,
    ],
    resolved: rowsOf("resolved").map(resolutionFromRow),
    fannedIn: rowsOf("fannedIn").map(fanInFromRow),
    stopped: new Set(rowsOf("stopped").map((row) => Number(row[0]))),
    moreReady: claims.some((write) => claimed.length >= Number(write.statement.values[0])),
    ready: [...born.values()].includes("ready"),
    scheduled: births.some((birth) => birth.delayMs !== undefined),
  };
}

function fanInFromRow(row: Row): BatchOutcome["fannedIn"][number] {
  return { invocationId: Number(row[0]), entry: Number(row[1]), children: Number(row[2]), failed: Number(row[3]) };
}

function resolutionFromRow(row: Row): BatchOutcome["resolved"][number] {
  const [invocationId, entry, value, failure] = row;
  const completion: Completion =
    failure == null ? { ok: true, value: value ?? "null" } : { ok: false, kind: "internal", message: failure };
  return { invocationId: Number(invocationId), entry: Number(entry), completion };
}

function ownedInvocationFromBirth(birth: Birth): OwnedInvocation {
  const { id, service, key, handler, exclusive, priority, input, parentId, parentEntry, requestId } = birth;
  const fresh = {
    attempts: 1,
    failures: 0,
    asked: undefined,
    supersededBy: undefined,
    failingSince: undefined,
    endsAs: undefined,
  };
  return { id, service, key, handler, exclusive, priority, input, parentId, parentEntry, requestId, ...fresh };
}

function ownedInvocationFromRow(row: Row): OwnedInvocation {
  return {
    id: Number(row[0]),
    service: String(row[1]),
    key: String(row[2]),
    handler: String(row[3]),
    exclusive: row[4] === "t",
    priority: Number(row[5]),
    parentId: numberOrUndefined(row[6]),
    parentEntry: numberOrUndefined(row[7]),
    input: String(row[8]),
    attempts: Number(row[9]),
    failures: Number(row[10]),
    asked: (row[11] ?? undefined) as OwnedInvocation["asked"],
    supersededBy: numberOrUndefined(row[12]),
    requestId: row[13] ?? undefined,
    endsAs: (row[14] ?? undefined) as OwnedInvocation["endsAs"],
    failingSince: numberOrUndefined(row[15]),
  };
}
