/**
 * The shape every Kubernetes object shares, as much of it as the operator relies on.
 *
 * These are structural types over raw JSON: times stay strings on every path (a typed list would give `Date`,
 * a watch would give strings, and one cache would hold both). Optional fields also admit `undefined`, so that
 * types inferred from zod schemas fit.
 */

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean | undefined;
  readonly blockOwnerDeletion?: boolean | undefined;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
  /** Opaque. Compare for equality only, never as a number, never across kinds. */
  readonly resourceVersion?: string | undefined;
  readonly generation?: number | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly ownerReferences?: readonly OwnerReference[] | undefined;
  readonly finalizers?: readonly string[] | undefined;
  /** RFC 3339, whole seconds. */
  readonly creationTimestamp?: string | undefined;
  /** Set by the API server when deletion was asked for; the object goes once its finalizers are gone. */
  readonly deletionTimestamp?: string | undefined;
  readonly deletionGracePeriodSeconds?: number | undefined;
}

export interface KubeObject {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata: ObjectMeta;
}

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number | undefined;
}

/** Names one object of a known kind. Cluster-scoped objects have no namespace. */
export interface ObjectRef {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** `namespace/name`, or `name` for cluster-scoped objects: what queues and stores are keyed by. */
export type Key = string;

export function keyOf(object: KubeObject): Key {
  return keyOfRef(object.metadata);
}

export function keyOfRef(ref: ObjectRef): Key {
  return ref.namespace === undefined || ref.namespace === "" ? ref.name : `${ref.namespace}/${ref.name}`;
}

export function refOf(key: Key): ObjectRef {
  const slash = key.indexOf("/");
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The one owner that manages this object, if any. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

/** The reference a child carries so that it is garbage-collected with `owner` and found by it. */
export function ownerReferenceTo(owner: KubeObject, apiVersion: string, kind: string): OwnerReference {
  const { name, uid } = owner.metadata;
  if (uid === undefined) throw new TypeError(`owner ${name} has no uid: it was not read from the API server`);
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/**
 * A MicroTime as the API server demands it: RFC 3339 with exactly six fraction digits.
 * Three, as `Date` writes them, are refused with 400 in Lease and Event.
 */
export function microTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace("Z", "000Z");
}
