/** A new member of a fleet. */
import { FINALIZER, type Fleet, type GameServer, labels } from "../../api/kinds.ts";
import { ownerReferenceTo } from "../../api/objects.ts";
import { API_VERSION } from "../../api/schema.ts";

export function serverFor(fleet: Fleet, revision: string, name: string): GameServer {
  const { template, capacity } = fleet.spec;
  return {
    apiVersion: API_VERSION,
    kind: "GameServer",
    metadata: {
      name,
      namespace: fleet.metadata.namespace,
      labels: {
        ...template.metadata?.labels,
        [labels.fleet]: fleet.metadata.name,
        [labels.revision]: revision,
      },
      annotations: template.metadata?.annotations ?? {},
      ownerReferences: [ownerReferenceTo(fleet, API_VERSION, "Fleet")],
      // Given at birth, so that it costs no write of its own.
      finalizers: [FINALIZER],
    },
    spec: { ...template.spec, fleetName: fleet.metadata.name, capacity },
  };
}
