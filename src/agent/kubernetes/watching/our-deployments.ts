import type { DeploymentView, Place } from "../objects.ts";

/** Deployments by place, and places by uid; one that was replaced under its name is gone. */
export class OurDeployments {
  readonly #onGone: (uid: string, place: Place) => void;
  readonly #byPlace = new Map<string, DeploymentView>();
  readonly #places = new Map<string, Place>();

  constructor(onGone: (uid: string, place: Place) => void) {
    this.#onGone = onGone;
  }

  get size(): number {
    return this.#byPlace.size;
  }

  at(place: Place): DeploymentView | undefined {
    return this.#byPlace.get(placeKey(place));
  }

  placeOf(uid: string): Place | undefined {
    return this.#places.get(uid);
  }

  put(deployment: DeploymentView): void {
    const { namespace, name, uid } = deployment;
    const before = this.at(deployment);
    if (before !== undefined && before.uid !== uid) this.remove(before.uid);
    this.#byPlace.set(placeKey(deployment), deployment);
    if (!this.#places.has(uid)) this.#places.set(uid, { namespace, name });
  }

  remove(uid: string): void {
    const place = this.#places.get(uid);
    if (place === undefined) return;
    this.#places.delete(uid);
    this.#byPlace.delete(placeKey(place));
    this.#onGone(uid, place);
  }

  keepOnly(uids: ReadonlySet<string>): void {
    for (const uid of this.#places.keys()) if (!uids.has(uid)) this.remove(uid);
  }
}

/** Neither part can have a slash. */
export function placeKey({ namespace, name }: Place): string {
  return `${namespace}/${name}`;
}
