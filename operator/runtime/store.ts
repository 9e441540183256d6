/**
 * The local copy of one kind: what a reflector writes and controllers read.
 *
 * Objects are frozen through and through: a controller that wants to change one copies it first, and a bug shows
 * as a TypeError at its source instead of as a cache that disagrees with the cluster. Handlers run synchronously
 * and must only enqueue keys. The store may be behind the cluster at any time.
 */
import { type Key, type KubeObject, keyOf } from "../api/objects.ts";

export interface Change<T extends KubeObject> {
  readonly type: "added" | "updated" | "deleted";
  /** The object now, or for `deleted` the last state seen. */
  readonly object: T;
  /** For `updated`, what it was before. */
  readonly previous?: T;
  /** Part of a first list or of a replay to a new handler: nothing happened, work on it may wait. */
  readonly initial: boolean;
}

export type ChangeHandler<T extends KubeObject> = (change: Change<T>) => void;

/** Values under which an index files an object; none leaves it out. */
export type IndexOf<T> = (object: T) => readonly string[];

/** What controllers see of a store. */
export interface StoreReader<T extends KubeObject> {
  get(key: Key): T | undefined;
  list(): readonly T[];
  /** Throws `TypeError` for an index that was not declared. */
  byIndex(name: string, value: string): readonly T[];
  readonly size: number;
  /** Replays every object as `added`, then follows. Returns how to end it. */
  subscribe(handler: ChangeHandler<T>): () => void;
}

export interface StoreOptions<T extends KubeObject> {
  readonly indexes?: Readonly<Record<string, IndexOf<T>>>;
  /** Makes objects smaller before they are kept (images of nodes, say). Must keep metadata's identity fields. */
  readonly transform?: (object: T) => T;
  readonly onHandlerError: (error: unknown) => void;
}

export class Store<T extends KubeObject> implements StoreReader<T> {
  readonly #options: StoreOptions<T>;
  readonly #handlers = new Set<ChangeHandler<T>>();
  readonly #indexes = new Map<string, Map<string, Set<Key>>>();
  #objects = new Map<Key, T>();

  constructor(options: StoreOptions<T>) {
    this.#options = options;
    for (const name of Object.keys(options.indexes ?? {})) this.#indexes.set(name, new Map());
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: Key): T | undefined {
    return this.#objects.get(key);
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new TypeError(`no index ${name}: declare it where the reflector is made`);
    const found: T[] = [];
    for (const key of index.get(value) ?? []) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  subscribe(handler: ChangeHandler<T>): () => void {
    for (const object of this.list()) this.#tell(handler, { type: "added", object, initial: true });
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  /** Takes in one object as the API server has it now. The same version seen again changes nothing. */
  put(raw: T): void {
    const object = this.#prepare(raw);
    const key = keyOf(object);
    const changes = changesBetween(this.#objects.get(key), object, false);
    this.#set(key, object);
    this.#announce(changes);
  }

  /** Takes one object out. `last` is its final state; an object not held is no change. */
  remove(last: T): void {
    const key = keyOf(last);
    // A late word about an earlier holder of the name says nothing about this one.
    if (this.#objects.get(key)?.metadata.uid !== last.metadata.uid) return;
    if (!this.#objects.has(key)) return;
    this.#unset(key);
    this.#announce([{ type: "deleted", object: this.#prepare(last), initial: false }]);
  }

  /**
   * Swaps in a full list, then announces how it differs: what vanished meanwhile is `deleted`, even when no
   * watch ever said so. Handlers see the new state from the first change on.
   */
  replace(raw: readonly T[], initial: boolean): void {
    const next = new Map<Key, T>();
    for (const item of raw) next.set(keyOf(item), this.#prepare(item));
    const before = this.#objects;
    const changes: Change<T>[] = [];
    for (const [key, object] of before) {
      if (!next.has(key)) changes.push({ type: "deleted", object, initial: false });
    }
    for (const [key, object] of next) changes.push(...changesBetween(before.get(key), object, initial));
    for (const key of before.keys()) this.#unindex(key);
    this.#objects = next;
    for (const [key, object] of next) this.#index(key, object);
    this.#announce(changes);
  }

  #prepare(raw: T): T {
    // Half of an object's memory is bookkeeping that only the API server needs.
    const metadata: Record<string, unknown> = { ...raw.metadata };
    delete metadata["managedFields"];
    const object = { ...raw, metadata } as unknown as T;
    return deepFreeze(this.#options.transform?.(object) ?? object);
  }

  #set(key: Key, object: T): void {
    this.#unindex(key);
    this.#objects.set(key, object);
    this.#index(key, object);
  }

  #unset(key: Key): void {
    this.#unindex(key);
    this.#objects.delete(key);
  }

  #index(key: Key, object: T): void {
    for (const [name, index] of this.#indexes) {
      for (const value of this.#valuesOf(name, object)) {
        const keys = index.get(value);
        if (keys === undefined) index.set(value, new Set([key]));
        else keys.add(key);
      }
    }
  }

  #unindex(key: Key): void {
    const object = this.#objects.get(key);
    if (object === undefined) return;
    for (const [name, index] of this.#indexes) {
      for (const value of this.#valuesOf(name, object)) {
        const keys = index.get(value);
        keys?.delete(key);
        // Values come and go with pods and nodes: an empty set left behind would be a leak.
        if (keys?.size === 0) index.delete(value);
      }
    }
  }

  #valuesOf(index: string, object: T): readonly string[] {
    try {
      return this.#options.indexes?.[index]?.(object) ?? [];
    } catch (error) {
      // Thrown on, it would stop the change half-way into the store, and the change would be lost.
      this.#options.onHandlerError(error);
      return [];
    }
  }

  #announce(changes: readonly Change<T>[]): void {
    // A copy: who subscribes from inside a handler has the new state by replay already.
    const handlers = Array.from(this.#handlers);
    for (const change of changes) for (const handler of handlers) this.#tell(handler, change);
  }

  #tell(handler: ChangeHandler<T>, change: Change<T>): void {
    try {
      handler(change);
    } catch (error) {
      // One bad handler must not cost the others the change, or end the watch.
      this.#options.onHandlerError(error);
    }
  }
}

/** A name deleted and created again while nobody looked is two changes, told apart by its UID. */
function changesBetween<T extends KubeObject>(
  before: T | undefined,
  now: T,
  initial: boolean,
): readonly Change<T>[] {
  if (before === undefined) return [{ type: "added", object: now, initial }];
  if (before.metadata.uid !== now.metadata.uid) {
    return [
      { type: "deleted", object: before, initial: false },
      { type: "added", object: now, initial: false },
    ];
  }
  if (before.metadata.resourceVersion === now.metadata.resourceVersion) return [];
  return [{ type: "updated", object: now, previous: before, initial: false }];
}

/** Raw JSON only: a tree without cycles. */
function deepFreeze<V>(value: V): V {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
