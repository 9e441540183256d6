/** Revisions: a name for each template that the fleet has had. */
import { createHash } from "node:crypto";
import { canonicalJson } from "../../../platform/json.ts";
import { type Fleet, labels } from "../../api/kinds.ts";
import { type KubeObject, ownerReferenceTo } from "../../api/objects.ts";
import { API_VERSION } from "../../api/schema.ts";

/** `apps/v1 ControllerRevision`: where StatefulSets and DaemonSets keep theirs; existing tools can show it. */
export interface ControllerRevision extends KubeObject {
  readonly data?: unknown;
  readonly revision: number;
}

/** What servers are made from: a change of it means new servers, a change of anything else does not. */
export const templateOf = ({ spec }: Fleet) => ({ template: spec.template, capacity: spec.capacity });

/** Ten characters that name the template: letters and digits that cannot form a word. */
export function revisionOf(fleet: Fleet): string {
  const digest = createHash("sha256")
    .update(canonicalJson(templateOf(fleet)))
    .digest();
  const alphabet = "bcdfghjklmnpqrstvwxz2456789";
  let name = "";
  for (const byte of digest.subarray(0, 10)) name += alphabet[byte % alphabet.length];
  return name;
}

export function revisionObject(fleet: Fleet, revision: string, number: number): ControllerRevision {
  return {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: {
      name: `${fleet.metadata.name}-${revision}`,
      namespace: fleet.metadata.namespace,
      labels: { [labels.fleet]: fleet.metadata.name, [labels.revision]: revision },
      ownerReferences: [ownerReferenceTo(fleet, API_VERSION, "Fleet")],
    },
    data: templateOf(fleet),
    revision: number,
  };
}

/** Old revisions beyond the limit, oldest first; never one that a server still runs or the newest. */
export function expiredRevisions(
  revisions: readonly ControllerRevision[],
  inUse: ReadonlySet<string>,
  limit: number,
): ControllerRevision[] {
  const idle = revisions
    .filter((entry) => !inUse.has(entry.metadata.labels?.[labels.revision] ?? ""))
    .sort((a, b) => a.revision - b.revision);
  return idle.slice(0, Math.max(0, idle.length - limit));
}
