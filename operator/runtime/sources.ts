/**
 * What wakes a controller: changes of kinds, mapped to the keys whose reconcile they concern.
 */
import { controllerOf, type Key, type KubeObject, keyOf, keyOfRef } from "../api/objects.ts";
import type { AddOptions } from "./queue.ts";
import type { Change, StoreReader } from "./store.ts";

export type Enqueue = (key: Key, options?: AddOptions) => void;

export interface Source {
  /** Begins to enqueue, first for everything that exists. Returns how to end it. */
  start(enqueue: Enqueue): () => void;
}

/** Whether an update matters. Additions, deletions and first lists always do. */
export type Predicate<T extends KubeObject> = (object: T, previous: T) => boolean;

/** The spec changed (or the mark of deletion was set, which counts as one). */
export const generationChanged: Predicate<KubeObject> = (object, previous) =>
  object.metadata.generation !== previous.metadata.generation;

export const labelsChanged: Predicate<KubeObject> = (object, previous) =>
  !sameRecord(object.metadata.labels, previous.metadata.labels);

export const annotationsChanged: Predicate<KubeObject> = (object, previous) =>
  !sameRecord(object.metadata.annotations, previous.metadata.annotations);

export const deletionChanged: Predicate<KubeObject> = (object, previous) =>
  object.metadata.deletionTimestamp !== previous.metadata.deletionTimestamp ||
  object.metadata.finalizers?.length !== previous.metadata.finalizers?.length;

export function anyOf<T extends KubeObject>(...predicates: readonly Predicate<T>[]): Predicate<T> {
  return (object, previous) => predicates.some((predicate) => predicate(object, previous));
}

/** What a controller of its own kind reacts to: not its own status writes, or it would feed itself. */
export const specChanged: Predicate<KubeObject> = anyOf(generationChanged, labelsChanged, deletionChanged);

/** The kind the controller reconciles. Default predicate: `specChanged`. */
export function watchPrimary<T extends KubeObject>(
  store: StoreReader<T>,
  predicate: Predicate<T> = specChanged,
): Source {
  return watchMapped(store, (change) => (passes(change, predicate) ? [keyOf(change.object)] : []));
}

/** Children: a change of one wakes its controller owner of `ownerKind`, in the child's namespace. */
export function watchOwned<T extends KubeObject>(
  store: StoreReader<T>,
  ownerKind: string,
  predicate?: Predicate<T>,
): Source {
  return watchMapped(store, (change) => {
    if (predicate !== undefined && !passes(change, predicate)) return [];
    return [
      ...ownersOf(change.object, ownerKind),
      ...(change.previous ? ownersOf(change.previous, ownerKind) : []),
    ];
  });
}

/** Anything else: `map` names the keys a change concerns. */
export function watchMapped<T extends KubeObject>(
  store: StoreReader<T>,
  map: (change: Change<T>) => readonly Key[],
): Source {
  return {
    start: (enqueue) =>
      store.subscribe((change) => {
        const options = urgency(change);
        for (const key of new Set(map(change))) enqueue(key, options);
      }),
  };
}

/** Wakes from outside Kubernetes: a timer, a message. Keys sent while nobody listens are dropped. */
export class Channel implements Source {
  readonly #listeners = new Set<Enqueue>();

  start(enqueue: Enqueue): () => void {
    this.#listeners.add(enqueue);
    return () => this.#listeners.delete(enqueue);
  }

  send(key: Key, options?: AddOptions): void {
    for (const enqueue of this.#listeners) enqueue(key, options);
  }
}

function ownersOf(object: KubeObject, kind: string): readonly Key[] {
  const owner = controllerOf(object);
  if (owner?.kind !== kind) return [];
  return [keyOfRef({ namespace: object.metadata.namespace, name: owner.name })];
}

function passes<T extends KubeObject>(change: Change<T>, predicate: Predicate<T>): boolean {
  return change.previous === undefined || predicate(change.object, change.previous);
}

/** First lists wait behind fresh changes; deletions have a lane of their own. */
function urgency(change: Change<KubeObject>): AddOptions {
  const deleting = change.type === "deleted" || change.object.metadata.deletionTimestamp !== undefined;
  return { lane: deleting ? "deletion" : "normal", priority: change.initial ? "low" : "normal" };
}

function sameRecord(
  a: Readonly<Record<string, string>> = {},
  b: Readonly<Record<string, string>> = {},
): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
