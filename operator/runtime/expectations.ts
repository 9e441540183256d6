/**
 * Remembers what a controller did and its cache does not show yet.
 *
 * A cache lags behind our own writes. A controller that counts children right after creating some would create
 * them again; so it notes each creation and deletion here first, and does nothing that depends on the count
 * until `satisfied`. Notes end when the change is seen, when the call failed, or after five minutes (a watch
 * may be slow, but a lost note must not block a parent for ever).
 */
import { type Key, type KubeObject, keyOf } from "../api/objects.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Change, StoreReader } from "./store.ts";

const EXPIRY_MS = 300_000;

interface Expected {
  readonly creations: Map<Key, number>;
  readonly deletions: Map<Key, number>;
}

export class Expectations {
  readonly #clock: Clock;
  readonly #parents = new Map<Key, Expected>();
  /** Which parent waits for a child: changes name only the child. */
  readonly #parentOf = new Map<Key, Key>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Follows the children's store. Returns how to end it. */
  follow<T extends KubeObject>(children: StoreReader<T>): () => void {
    return children.subscribe((change) => this.observe(change));
  }

  /** Note before the call: the watch may be faster than the answer. On failure, `cancel`. */
  expectCreation(parent: Key, child: Key): void {
    this.#of(parent).creations.set(child, this.#clock.now());
    this.#parentOf.set(child, parent);
  }

  /** As `expectCreation`. Seen when the object is marked for deletion or gone. */
  expectDeletion(parent: Key, child: Key): void {
    this.#of(parent).deletions.set(child, this.#clock.now());
    this.#parentOf.set(child, parent);
  }

  /** The call failed: nothing is to be expected of this child. */
  cancel(child: Key): void {
    this.#settle(child, true, true);
  }

  /** The parent is gone. */
  forget(parent: Key): void {
    const expected = this.#parents.get(parent);
    for (const child of [...(expected?.creations.keys() ?? []), ...(expected?.deletions.keys() ?? [])]) {
      this.#parentOf.delete(child);
    }
    this.#parents.delete(parent);
  }

  /** True when the cache shows all we did to this parent's children. */
  satisfied(parent: Key): boolean {
    const expected = this.#parents.get(parent);
    if (expected === undefined) return true;
    const limit = this.#clock.now() - EXPIRY_MS;
    for (const [child, since] of [...expected.creations, ...expected.deletions]) {
      if (since < limit) this.#settle(child, true, true);
    }
    return !this.#parents.has(parent);
  }

  observe<T extends KubeObject>(change: Change<T>): void {
    const gone = change.type === "deleted";
    const going = gone || change.object.metadata.deletionTimestamp !== undefined;
    this.#settle(keyOf(change.object), true, going);
  }

  #of(parent: Key): Expected {
    const known = this.#parents.get(parent);
    if (known !== undefined) return known;
    const fresh: Expected = { creations: new Map(), deletions: new Map() };
    this.#parents.set(parent, fresh);
    return fresh;
  }

  #settle(child: Key, creation: boolean, deletion: boolean): void {
    const parent = this.#parentOf.get(child);
    const expected = parent === undefined ? undefined : this.#parents.get(parent);
    if (parent === undefined || expected === undefined) return;
    if (creation) expected.creations.delete(child);
    if (deletion) expected.deletions.delete(child);
    if (!expected.creations.has(child) && !expected.deletions.has(child)) this.#parentOf.delete(child);
    if (expected.creations.size === 0 && expected.deletions.size === 0) this.#parents.delete(parent);
  }
}
