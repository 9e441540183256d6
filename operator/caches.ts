/** What the operator watches: one cache a kind, filled by a reflector, and the typed calls beside it. */
import type { Log } from "../platform/log.ts";
import { fleetKind } from "./api/fleet.ts";
import { gameServerKind } from "./api/gameserver.ts";
import { type Fleet, type GameServer, labels } from "./api/kinds.ts";
import { controllerOf, type KubeObject } from "./api/objects.ts";
import { GROUP, type KindDefinition, VERSION } from "./api/schema.ts";
import { BY_OWNER } from "./controllers/fleet/controller.ts";
import type { ControllerRevision } from "./controllers/fleet/revision.ts";
import type { Node, Pod } from "./controllers/gameserver/core.ts";
import { CONTROLLER_REVISIONS, NODES, PODS, type ResourceDefinition } from "./kube/definition.ts";
import type { Selection } from "./kube/list.ts";
import { resourceFor } from "./kube/resource.ts";
import type { Transport } from "./kube/transport.ts";
import type { RuntimeMetrics } from "./runtime/metrics.ts";
import { Reflector } from "./runtime/reflector.ts";

export interface CacheOptions {
  /** Guarded: whatever is written through it, only the leader writes. */
  readonly transport: Transport;
  /** Only this namespace; all when undefined. */
  readonly namespace: string | undefined;
  readonly log: Log;
  readonly metrics: RuntimeMetrics;
}

const definitionOf = ({ plural, kind }: KindDefinition): ResourceDefinition => ({
  group: GROUP,
  version: VERSION,
  plural,
  kind,
  namespaced: true,
});

const ownerUid = (object: KubeObject): readonly string[] => {
  const owner = controllerOf(object);
  return owner ? [owner.uid] : [];
};

export function createCaches({ transport, namespace, log, metrics }: CacheOptions) {
  const resources = {
    fleets: resourceFor<Fleet>(transport, definitionOf(fleetKind)),
    servers: resourceFor<GameServer>(transport, definitionOf(gameServerKind)),
    pods: resourceFor<Pod>(transport, PODS),
    revisions: resourceFor<ControllerRevision>(transport, CONTROLLER_REVISIONS),
    nodes: resourceFor<Node>(transport, NODES),
  };
  const where: Selection = namespace ? { namespace } : {};
  const common = { log, metrics };
  const indexes = { [BY_OWNER]: ownerUid };
  const caches = {
    fleets: new Reflector({ resource: resources.fleets, selection: where, ...common }),
    servers: new Reflector({ resource: resources.servers, selection: where, indexes, ...common }),
    // Pods of ours only: the rest of a cluster is large and none of our business.
    pods: new Reflector({
      resource: resources.pods,
      selection: { ...where, labelSelector: labels.server },
      ...common,
    }),
    revisions: new Reflector({
      resource: resources.revisions,
      selection: { ...where, labelSelector: labels.fleet },
      indexes,
      ...common,
    }),
    nodes: new Reflector({ resource: resources.nodes, ...common }),
  };
  const stores = {
    fleets: caches.fleets.store,
    servers: caches.servers.store,
    pods: caches.pods.store,
    revisions: caches.revisions.store,
    nodes: caches.nodes.store,
  };
  return { resources, caches, stores };
}
