/** An object that belongs to another. */
export interface Owned {
  readonly uid: string;
  readonly ownerUid: string;
  readonly resourceVersion: bigint;
}

export interface OwnersOf<T> {
  /** Whether this owner is kept. */
  has(ownerUid: string): boolean;
  /** Version up to which all owners have been heard of. */
  heard(): bigint;
  /** An object has come, changed or gone. */
  changed(object: T): void;
  /** An object is not kept any longer. */
  dropped(object: T): void;
}

/**
 * Objects of owners that are kept elsewhere. The two are heard of on different
 * watches, so an object may come before its owner.
 *
 *   O1. An object is kept while its owner is.
 *   O2. An owner is older than what it owns. So once all owners have been heard
 *       of up to an object's version, one that is not there is not ours, and
 *       the object is dropped; until then it waits.
 *   O3. A version that is older than the one at hand changes nothing, unless all is
 *       listed anew: a cluster may have been restored from a backup.
 */
export class OwnedObjects<T extends Owned> {
  readonly #owners: OwnersOf<T>;
  readonly #objects = new Map<string, T>();
  readonly #byOwner = new Map<string, Map<string, T>>();
  /** Owners that are not there yet, and the version up to which one has to hear for them. */
  readonly #awaited = new Map<string, bigint>();

  constructor(owners: OwnersOf<T>) {
    this.#owners = owners;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(uid: string): T | undefined {
    return this.#objects.get(uid);
  }

  of(ownerUid: string): readonly T[] {
    return [...(this.#byOwner.get(ownerUid)?.values() ?? [])];
  }

  /** Takes over an object as it is now; `anyVersion`: also where it seems to have gone back in time. */
  put(object: T, anyVersion = false): void {
    const { uid, ownerUid, resourceVersion } = object;
    const known = this.#objects.get(uid);
    // O3
    if (known && (anyVersion ? known.resourceVersion === resourceVersion : known.resourceVersion >= resourceVersion))
      return;
    if (known && known.ownerUid !== ownerUid) this.remove(uid);
    if (!this.#owners.has(ownerUid)) {
      // O2
      if (resourceVersion <= this.#owners.heard()) return this.remove(uid);
      if (!this.#awaited.has(ownerUid)) this.#awaited.set(ownerUid, resourceVersion);
    }
    this.#objects.set(uid, object);
    const siblings = this.#byOwner.get(ownerUid);
    if (siblings) siblings.set(uid, object);
    else this.#byOwner.set(ownerUid, new Map([[uid, object]]));
    this.#owners.changed(object);
  }

  remove(uid: string): void {
    const object = this.#objects.get(uid);
    if (object === undefined) return;
    this.#objects.delete(uid);
    const siblings = this.#byOwner.get(object.ownerUid);
    siblings?.delete(uid);
    if (siblings?.size === 0) this.#byOwner.delete(object.ownerUid);
    this.#owners.dropped(object);
    this.#owners.changed(object);
  }

  /** Of all there may be, there are only these. */
  keepOnly(uids: ReadonlySet<string>): void {
    for (const uid of this.#objects.keys()) if (!uids.has(uid)) this.remove(uid);
  }

  /** O1: an owner is gone. */
  ownerGone(ownerUid: string): void {
    for (const { uid } of this.of(ownerUid)) this.remove(uid);
    this.#awaited.delete(ownerUid);
  }

  /** O2: more has been heard of the owners. They come in the order of their versions, all but a few. */
  ownersHeard(): void {
    const heard = this.#owners.heard();
    for (const [ownerUid, version] of this.#awaited) {
      if (version > heard) return;
      this.#awaited.delete(ownerUid);
      if (!this.#owners.has(ownerUid)) this.ownerGone(ownerUid);
    }
  }
}
