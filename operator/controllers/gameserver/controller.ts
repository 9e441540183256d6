/**
 * The game server controller: sees, plans, acts. All that it decides is in `plan.ts`; here is only how the world is
 * read and written.
 *
 * Costs (API writes): 2 from GameServer to Ready (its pod, one status), none while nothing changes but load, then at
 * most one status every 5 s.
 */
import { messageOf } from "../../../platform/errors.ts";
import { forgetServer, release } from "../../../platform/ownership/ownership.ts";
import type { Pool } from "../../../platform/postgres.ts";
import { FINALIZER, type GameServer } from "../../api/kinds.ts";
import { controllerOf, type Key } from "../../api/objects.ts";
import type { LoadBoard } from "../../balancer/loads.ts";
import type { Roster } from "../../balancer/roster.ts";
import { ApiError, isAlreadyExists, isConflict, isNotFound } from "../../kube/errors.ts";
import type { Resource } from "../../kube/resource.ts";
import type { Reconcile, ReconcileContext, Requeue } from "../../runtime/controller.ts";
import type { StoreReader } from "../../runtime/store.ts";
import type { Tell } from "../events.ts";
import { playerAddress } from "./address.ts";
import type { Node, Pod } from "./core.ts";
import type { Observed, Plan } from "./observed.ts";
import { plan } from "./plan.ts";
import { podFor } from "./pod.ts";
import type { PortBook } from "./port-book.ts";
import { decideStatus, LOAD_EVERY_MS, statusOf } from "./status.ts";

export interface GameServerDeps {
  readonly servers: Pick<Resource<GameServer>, "replace" | "jsonPatch">;
  readonly pods: Pick<Resource<Pod>, "create" | "delete">;
  readonly stores: {
    readonly servers: StoreReader<GameServer>;
    readonly pods: StoreReader<Pod>;
    readonly nodes: StoreReader<Node>;
  };
  readonly loads: LoadBoard;
  readonly roster: Roster;
  readonly pool: Pool;
  readonly ports: PortBook;
  readonly tell: Tell;
  /** Zones may need a new home: a server came, went, or changed its mind. */
  readonly pokeZones: () => void;
  readonly now?: () => number;
}

interface Memory {
  lastWriteMs: number;
  rejected?: { reason: string; message: string; untilMs: number };
  released?: string;
  lastReason?: string;
}

/** How long a refused pod is not tried again. */
const REJECTED_MS = 30_000;

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

/**
 * Ends the lease of a life that is over, so that its zones move at once. Best effort: when PostgreSQL does not
 * answer, the lease runs out by itself a few seconds later.
 */
async function releaseLife(
  deps: GameServerDeps,
  key: Key,
  { releaseLife: life = "", removeFinalizer: gone }: Plan,
  memory: Memory,
  { log }: ReconcileContext,
): Promise<void> {
  try {
    await (gone ? forgetServer(deps.pool, key, life) : release(deps.pool, key, life));
    memory.released = life;
    deps.pokeZones();
  } catch (error) {
    log.warn({ err: { message: messageOf(error) }, life }, "lease not ended; it runs out by itself");
  }
}

async function addFinalizer(
  deps: GameServerDeps,
  server: GameServer,
  { signal }: ReconcileContext,
): Promise<void> {
  const { namespace, name, finalizers, resourceVersion } = server.metadata;
  const add = finalizers
    ? ({ op: "add", path: "/metadata/finalizers/-", value: FINALIZER } as const)
    : ({ op: "add", path: "/metadata/finalizers", value: [FINALIZER] } as const);
  const unchanged = { op: "test", path: "/metadata/resourceVersion", value: resourceVersion } as const;
  await deps.servers.jsonPatch({ namespace, name }, [unchanged, add], { signal });
}

async function removeFinalizer(
  deps: GameServerDeps,
  key: Key,
  server: GameServer,
  { signal, log }: ReconcileContext,
): Promise<void> {
  const { namespace, name, finalizers = [] } = server.metadata;
  const at = finalizers.indexOf(FINALIZER);
  if (at < 0) return;
  const path = `/metadata/finalizers/${at}`;
  try {
    await deps.servers.jsonPatch(
      { namespace, name },
      [
        { op: "test", path, value: FINALIZER },
        { op: "remove", path },
      ],
      { signal },
    );
    log.info({ server: key }, "game server gone");
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Returns when to look again because the load may be written only then. */
async function writeStatus(
  deps: GameServerDeps,
  observed: Observed,
  decided: Plan,
  memory: Memory,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { server } = observed;
  const status = statusOf(observed, decided);
  const decision = decideStatus(observed, decided, status, memory.lastWriteMs);
  if (decision === "later") return LOAD_EVERY_MS - (observed.nowMs - memory.lastWriteMs);
  if (decision === "keep") return undefined;
  await deps.servers.replace({ ...server, status }, { subresource: "status", signal });
  memory.lastWriteMs = observed.nowMs;
  tellChange(deps, server, decided, memory);
  return undefined;
}

/** An event for every change of mind, but for the one that is expected: a start that went well costs no write more. */
function tellChange(deps: GameServerDeps, server: GameServer, { verdict }: Plan, memory: Memory): void {
  const { reason, message, state } = verdict;
  const before = memory.lastReason;
  memory.lastReason = reason;
  if (before === reason || (before === undefined && state === "Ready")) return;
  deps.tell(server, state === "Ready" || state === "Draining" ? "Normal" : "Warning", reason, message);
}

async function deletePod(
  deps: GameServerDeps,
  server: GameServer,
  { uid, force, reason }: NonNullable<Plan["deletePod"]>,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name } = server.metadata;
  try {
    await deps.pods.delete({ namespace, name }, { uid, signal, ...(force ? { gracePeriodSeconds: 0 } : {}) });
    deps.tell(server, "Normal", "PodDeleted", `pod deleted: ${reason}`);
  } catch (error) {
    // Gone already, or another life by now: both are what we wanted.
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

async function createPod(
  deps: GameServerDeps,
  key: Key,
  { server, nowMs }: Observed,
  memory: Memory,
  { signal, log }: ReconcileContext,
): Promise<void> {
  delete memory.rejected;
  const reject = (reason: string, message: string) => {
    memory.rejected = { reason, message, untilMs: nowMs + REJECTED_MS };
    log.warn({ reason, message }, "pod refused");
  };
  const ports = deps.ports.take(key, server);
  if ("missing" in ports) {
    reject("NoFreePort", `port ${ports.missing}: every port of the range is taken on every node`);
    return;
  }
  try {
    await deps.pods.create(podFor(server, ports.given) as unknown as Pod, { signal });
    log.info({ ports: ports.given }, "pod created");
  } catch (error) {
    if (isAlreadyExists(error)) {
      const there = deps.stores.pods.get(key);
      // Ours, and the cache has yet to show it; or a stranger's, which somebody must take away.
      if (there && controllerOf(there)?.uid !== server.metadata.uid) {
        deps.ports.forget(key);
        reject("PodNameTaken", `a pod named ${server.metadata.name} exists that is not this server's`);
      }
      return;
    }
    deps.ports.forget(key);
    if (error instanceof ApiError && error.status >= 400 && error.status < 500 && !error.retryable) {
      reject(error.reason || "PodRejected", error.message);
      return;
    }
    throw error;
  }
}
