import type { Place } from "../objects.ts";
import { placeKey } from "./our-deployments.ts";

/** Tells of changes once per place and turn of the event loop. */
export class Changes {
  readonly #tell: (place: Place) => void;
  readonly #places = new Map<string, Place>();

  constructor(tell: (place: Place) => void) {
    this.#tell = tell;
  }

  add(place: Place): void {
    if (this.#places.size === 0) setImmediate(() => this.#flush());
    this.#places.set(placeKey(place), place);
  }

  #flush(): void {
    const places = [...this.#places.values()];
    this.#places.clear();
    for (const place of places) this.#tell(place);
  }
}
