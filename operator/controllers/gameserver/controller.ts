/**
 * The game server controller: sees, plans, acts. All that it decides is in `plan.ts`; here is only how the world is
 * read and written.
 *
 * Costs (API writes): 2 from GameServer to Ready (its pod, one status), none while nothing changes but load, then at
 * most one status every 5 s.
 */
import { FINALIZER, type GameServer } from "../../api/kinds.ts";
import { controllerOf, type Key } from "../../api/objects.ts";
import type { Reconcile, ReconcileContext, Requeue } from "../../runtime/controller.ts";
import { playerAddress } from "./address.ts";
import { type GameServerDeps, type Memory, REJECTED_MS } from "./deps.ts";
import { addFinalizer, removeFinalizer } from "./finalizer.ts";
import { createPod, deletePod, releaseLife } from "./life-writer.ts";
import type { Observed, Plan } from "./observed.ts";
import { plan } from "./plan.ts";
import { writeStatus } from "./status-writer.ts";

export function createGameServerReconciler(deps: GameServerDeps): Reconcile {
  const memories = new Map<Key, Memory>();
  const now = deps.now ?? Date.now;

  return async (key, context) => {
    const server = deps.stores.servers.get(key);
    if (!server) {
      memories.delete(key);
      deps.ports.forget(key);
      return undefined;
    }
    const memory = memories.get(key) ?? { lastWriteMs: 0 };
    memories.set(key, memory);
    if (!server.metadata.deletionTimestamp && !server.metadata.finalizers?.includes(FINALIZER)) {
      await addFinalizer(deps, server, context);
      return undefined;
    }
    const observed = observe(deps, key, server, memory, now());
    const decided = plan(observed);
    publish(deps, observed, decided);
    return act(deps, key, observed, decided, memory, context);
  };
}

function observe(
  deps: GameServerDeps,
  key: Key,
  server: GameServer,
  memory: Memory,
  nowMs: number,
): Observed {
  const found = deps.stores.pods.get(key);
  // A pod of the same name that is not ours (made by hand, or of an earlier server) is not this server's life.
  const pod = found && controllerOf(found)?.uid === server.metadata.uid ? found : undefined;
  const nodeName = pod?.spec?.nodeName;
  const { rejected } = memory;
  return {
    server,
    pod,
    node: nodeName === undefined ? undefined : deps.stores.nodes.get(nodeName),
    load: deps.loads.get(key, pod?.metadata.uid),
    rejected:
      rejected && rejected.untilMs > nowMs
        ? { reason: rejected.reason, message: rejected.message }
        : undefined,
    nowMs,
  };
}

export const fleetKeyOf = (server: GameServer): string =>
  `${server.metadata.namespace}/${server.spec.fleetName ?? server.metadata.name}`;

/** Tells allocators and the pod itself; before anything else, so that nobody is sent to a server that goes. */
function publish(deps: GameServerDeps, { server, pod, node }: Observed, { verdict, drainBy }: Plan): void {
  const fleet = fleetKeyOf(server);
  const { name } = server.metadata;
  if (!pod) {
    if (deps.roster.server(fleet, name)) deps.pokeZones();
    deps.roster.removeServer(fleet, name);
    return;
  }
  const ports = new Map<string, number>();
  for (const container of pod.spec?.containers ?? []) {
    for (const port of container.ports ?? [])
      if (port.name && port.hostPort) ports.set(port.name, port.hostPort);
  }
  const [players] = server.spec.ports;
  const before = deps.roster.server(fleet, name)?.state;
  deps.roster.setServer(fleet, name, {
    state: verdict.state,
    address: playerAddress(node, pod) ?? "",
    port: ports.get(players?.name ?? "") ?? players?.containerPort ?? 0,
    life: pod.metadata.uid ?? "",
    drainBy,
  });
  if (before !== verdict.state) deps.pokeZones();
}

async function act(
  deps: GameServerDeps,
  key: Key,
  observed: Observed,
  decided: Plan,
  memory: Memory,
  context: ReconcileContext,
): Promise<Requeue | undefined> {
  const { server } = observed;
  const { signal } = context;
  if (decided.releaseLife && memory.released !== decided.releaseLife) {
    await releaseLife(deps, key, decided, memory, context);
  }
  if (decided.removeFinalizer) {
    await removeFinalizer(deps, key, server, context);
    return undefined;
  }
  const wait = await writeStatus(deps, observed, decided, memory, signal);
  // The status first: a crash must be on record before its pod, the only other witness, goes.
  if (decided.deletePod) await deletePod(deps, server, decided.deletePod, signal);
  if (decided.createPod && !observed.rejected) await createPod(deps, key, observed, memory, context);
  const after = [decided.requeueAfterMs, wait, memory.rejected && REJECTED_MS].filter(
    (ms) => ms !== undefined,
  );
  return after.length === 0 ? undefined : { requeueAfterMs: Math.max(Math.min(...after), 1) };
}
