/**
 * Where a kind lives in the API: the few facts that discovery would tell, written down instead of asked for.
 */
import type { ObjectRef } from "../api/objects.ts";

export interface ResourceDefinition {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export function apiVersionOf(definition: ResourceDefinition): string {
  return definition.group === "" ? definition.version : `${definition.group}/${definition.version}`;
}

/** The path of a collection; without a namespace, of all namespaces (or of a cluster-scoped kind). */
export function collectionPath(definition: ResourceDefinition, namespace?: string): string {
  const root = definition.group === "" ? "/api" : `/apis/${definition.group}`;
  const scope =
    definition.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${root}/${definition.version}${scope}/${definition.plural}`;
}

/** The path of one object. Throws `TypeError` when a namespaced kind is named without its namespace. */
export function objectPath(definition: ResourceDefinition, ref: ObjectRef, subresource?: string): string {
  if (definition.namespaced && ref.namespace === undefined) {
    throw new TypeError(`${definition.kind} ${ref.name} is named without its namespace`);
  }
  const path = `${collectionPath(definition, ref.namespace)}/${encodeURIComponent(ref.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** Kinds of Kubernetes itself that the operator uses. */
export const PODS = { group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true } as const;
export const NODES = { group: "", version: "v1", plural: "nodes", kind: "Node", namespaced: false } as const;
export const EVENTS = {
  group: "events.k8s.io",
  version: "v1",
  plural: "events",
  kind: "Event",
  namespaced: true,
} as const;
export const LEASES = {
  group: "coordination.k8s.io",
  version: "v1",
  plural: "leases",
  kind: "Lease",
  namespaced: true,
} as const;
export const CONTROLLER_REVISIONS = {
  group: "apps",
  version: "v1",
  plural: "controllerrevisions",
  kind: "ControllerRevision",
  namespaced: true,
} as const;
