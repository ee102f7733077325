export { EventTail, type EventTailOptions } from "./event-tail.ts";
export { readForStream, throwIfEnded } from "./stream-end.ts";
export { watchRollouts } from "./watch.ts";
export { unknownRollout } from "./watch-start.ts";
export { WakeList } from "./wake-list.ts";
