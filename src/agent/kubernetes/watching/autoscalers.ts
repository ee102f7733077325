import type { AutoscalerView, Place } from "../objects.ts";
import type { ScalingDeployment } from "./autoscaler-view.ts";
import { placeKey } from "./our-deployments.ts";

/**
 * Autoscalers by what they scale. They are kept for every Deployment, ours or
 * not: they are small, and count at the moment when a Deployment becomes ours.
 */
export class Autoscalers {
  readonly #onChange: (target: Place) => void;
  readonly #byUid = new Map<string, ScalingDeployment>();
  readonly #byTarget = new Map<string, ScalingDeployment>();

  constructor(onChange: (target: Place) => void) {
    this.#onChange = onChange;
  }

  of(place: Place): AutoscalerView | undefined {
    return this.#byTarget.get(placeKey(place))?.view;
  }

  put(scaling: ScalingDeployment): void {
    const { uid, target } = scaling;
    const before = this.#byUid.get(uid);
    if (before !== undefined && placeKey(before.target) !== placeKey(target)) this.remove(uid);
    this.#byUid.set(uid, scaling);
    this.#byTarget.set(placeKey(target), scaling);
    this.#onChange(target);
  }

  remove(uid: string): void {
    const scaling = this.#byUid.get(uid);
    if (scaling === undefined) return;
    this.#byUid.delete(uid);
    const key = placeKey(scaling.target);
    // Another one may scale the same.
    if (this.#byTarget.get(key) === scaling) this.#byTarget.delete(key);
    this.#onChange(scaling.target);
  }

  keepOnly(uids: ReadonlySet<string>): void {
    for (const uid of this.#byUid.keys()) if (!uids.has(uid)) this.remove(uid);
  }
}
