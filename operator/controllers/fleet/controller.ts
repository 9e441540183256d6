/** The fleet controller: sees, plans, acts. What it decides is in `plan.ts`. */
import { messageOf } from "../../../platform/errors.ts";
import { nameSuffix } from "../../../platform/ids.ts";
import { sameJson } from "../../../platform/json.ts";
import type { FleetStatus } from "../../api/fleet.ts";
import { type Fleet, type GameServer, labels } from "../../api/kinds.ts";
import { type Key, keyOf } from "../../api/objects.ts";
import type { LoadBoard } from "../../balancer/loads.ts";
import type { Roster } from "../../balancer/roster.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../../kube/errors.ts";
import type { Resource } from "../../kube/resource.ts";
import type { Reconcile, ReconcileContext, Requeue } from "../../runtime/controller.ts";
import type { Expectations } from "../../runtime/expectations.ts";
import type { StoreReader } from "../../runtime/store.ts";
import type { Tell } from "../events.ts";
import type { FleetPlan, Member, ObservedFleet } from "./observed.ts";
import { planFleet } from "./plan.ts";
import { type ControllerRevision, expiredRevisions, revisionObject, revisionOf } from "./revision.ts";
import { serverFor } from "./server.ts";
import { fleetStatus, type Trouble } from "./status.ts";

/** Name of the index of servers (and revisions) by the uid of their fleet. */
export const BY_OWNER = "owner";

export interface FleetDeps {
  readonly fleets: Pick<Resource<Fleet>, "replace">;
  readonly servers: Pick<Resource<GameServer>, "create" | "delete">;
  readonly revisions: Pick<Resource<ControllerRevision>, "create" | "delete">;
  readonly stores: {
    readonly fleets: StoreReader<Fleet>;
    readonly servers: StoreReader<GameServer>;
    readonly revisions: StoreReader<ControllerRevision>;
  };
  readonly loads: LoadBoard;
  readonly roster: Roster;
  readonly expectations: Expectations;
  readonly tell: Tell;
  readonly pokeZones: () => void;
  readonly now?: () => number;
}

interface Memory {
  lastWriteMs: number;
  trouble: Trouble | undefined;
}

/** A given-up server is replaced only after this: what broke it (an image, a quota) seldom mends itself at once. */
const REPLACE_AFTER_MS = 30_000;
/** Load alone changes a fleet's status at most this often. */
const LOAD_EVERY_MS = 5_000;
/** Creations and deletions under way at once. */
const PARALLEL = 16;

export function createFleetReconciler(deps: FleetDeps): Reconcile {
  const memories = new Map<Key, Memory>();
  const now = deps.now ?? Date.now;

  return async (key, context) => {
    const fleet = deps.stores.fleets.get(key);
    if (!fleet) {
      memories.delete(key);
      deps.expectations.forget(key);
      deps.roster.removeFleet(key);
      deps.pokeZones();
      return undefined;
    }
    publish(deps, key, fleet);
    // Its servers go by garbage collection, each draining as if deleted by hand.
    if (fleet.metadata.deletionTimestamp) return undefined;
    const memory = memories.get(key) ?? { lastWriteMs: 0, trouble: undefined };
    memories.set(key, memory);
    const updateRevision = revisionOf(fleet);
    await ensureRevision(deps, fleet, updateRevision, context);
    const observed = observe(deps, fleet, updateRevision, now());
    const decided = planFleet(observed);
    const settled = deps.expectations.satisfied(key);
    if (settled) await carryOut(deps, key, observed, decided, memory, context);
    const wait = await writeStatus(deps, observed, decided, memory, now(), context);
    await pruneRevisions(deps, observed, context);
    return soonest(wait, waitForGivenUp(deps, fleet, now()));
  };
}

function publish(deps: FleetDeps, key: Key, { metadata, spec }: Fleet): void {
  const { onDemand } = spec.zones;
  deps.roster.setFleet(key, {
    namespace: metadata.namespace ?? "default",
    name: metadata.name,
    capacity: spec.capacity.sessions,
    onDemandSessions: Math.min(onDemand.sessions, spec.capacity.sessions),
    onDemandMax: onDemand.max,
  });
}

function observe(deps: FleetDeps, fleet: Fleet, updateRevision: string, nowMs: number): ObservedFleet {
  const all = deps.stores.servers
    .byIndex(BY_OWNER, fleet.metadata.uid ?? "")
    .map((server) => memberOf(deps, server, nowMs));
  return {
    fleet,
    members: all.filter((member) => !member.server.metadata.deletionTimestamp),
    leaving: all.filter((member) => member.server.metadata.deletionTimestamp),
    updateRevision,
  };
}

function memberOf(deps: FleetDeps, server: GameServer, nowMs: number): Member {
  const status = server.status ?? {};
  const load = deps.loads.get(keyOf(server), status.podUID);
  return {
    server,
    revision: server.metadata.labels?.[labels.revision] ?? "",
    ready: status.state === "Ready",
    finished:
      status.state === "Stopped" ||
      (status.state === "Unhealthy" && givenUpForMs(server, nowMs) >= REPLACE_AFTER_MS),
    // A server that never was ready holds nobody; one that was and is silent may hold anybody.
    sessions: load?.sessions ?? (status.podUID === undefined ? 0 : undefined),
  };
}

function givenUpForMs(server: GameServer, nowMs: number): number {
  const condition = server.status?.conditions?.find((entry) => entry.type === "Ready");
  return condition ? nowMs - Date.parse(condition.lastTransitionTime) : 0;
}

function waitForGivenUp(deps: FleetDeps, fleet: Fleet, nowMs: number): number | undefined {
  const waits = deps.stores.servers
    .byIndex(BY_OWNER, fleet.metadata.uid ?? "")
    .filter((server) => server.status?.state === "Unhealthy" && !server.metadata.deletionTimestamp)
    .map((server) => Math.max(REPLACE_AFTER_MS - givenUpForMs(server, nowMs), 1_000));
  return waits.length === 0 ? undefined : Math.min(...waits);
}

function soonest(...waits: readonly (number | undefined)[]): Requeue | undefined {
  const given = waits.filter((wait) => wait !== undefined);
  return given.length === 0 ? undefined : { requeueAfterMs: Math.max(1, Math.min(...given)) };
}

async function ensureRevision(
  deps: FleetDeps,
  fleet: Fleet,
  revision: string,
  { signal }: ReconcileContext,
): Promise<void> {
  const known = deps.stores.revisions.byIndex(BY_OWNER, fleet.metadata.uid ?? "");
  if (known.some((entry) => entry.metadata.labels?.[labels.revision] === revision)) return;
  const number = 1 + Math.max(0, ...known.map((entry) => entry.revision));
  try {
    await deps.revisions.create(revisionObject(fleet, revision, number), { signal });
    if (known.length > 0) deps.tell(fleet, "Normal", "NewRevision", `template changed: revision ${revision}`);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

async function pruneRevisions(
  deps: FleetDeps,
  observed: ObservedFleet,
  { signal }: ReconcileContext,
): Promise<void> {
  const { fleet, members, leaving, updateRevision } = observed;
  const inUse = new Set([updateRevision, ...[...members, ...leaving].map((member) => member.revision)]);
  const known = deps.stores.revisions.byIndex(BY_OWNER, fleet.metadata.uid ?? "");
  for (const entry of expiredRevisions(known, inUse, fleet.spec.revisionHistoryLimit)) {
    const { namespace, name, uid } = entry.metadata;
    await deps.revisions.delete({ namespace, name }, { uid, signal }).catch((error: unknown) => {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    });
  }
}

async function carryOut(
  deps: FleetDeps,
  key: Key,
  { fleet, updateRevision }: ObservedFleet,
  decided: FleetPlan,
  memory: Memory,
  context: ReconcileContext,
): Promise<void> {
  const jobs = [
    ...decided.remove.map((entry) => () => removeServer(deps, key, entry.member, entry.reason, context)),
    ...Array.from(
      { length: decided.create },
      () => () => createServer(deps, key, fleet, updateRevision, context),
    ),
  ];
  const results: PromiseSettledResult<void>[] = [];
  for (let from = 0; from < jobs.length; from += PARALLEL) {
    results.push(...(await Promise.allSettled(jobs.slice(from, from + PARALLEL).map((job) => job()))));
  }
  // One event for all of a kind: at scale, events would cost more writes than the servers themselves.
  if (decided.create > 0)
    deps.tell(fleet, "Normal", "ScalingUp", `made ${decided.create} servers of ${updateRevision}`);
  if (decided.remove.length > 0) deps.tell(fleet, "Normal", "ScalingDown", removalNote(decided));
  const failed = results.find((result) => result.status === "rejected");
  memory.trouble = failed ? { reason: "CannotChangeServers", message: messageOf(failed.reason) } : undefined;
  if (failed) throw failed.reason;
}

function removalNote({ remove }: FleetPlan): string {
  const shown = remove.slice(0, 5).map(({ member, reason }) => `${member.server.metadata.name} (${reason})`);
  return `${remove.length} servers drain and end: ${shown.join(", ")}${remove.length > 5 ? ", …" : ""}`;
}

async function createServer(
  deps: FleetDeps,
  key: Key,
  fleet: Fleet,
  revision: string,
  { signal, log }: ReconcileContext,
): Promise<void> {
  const name = `${fleet.metadata.name}-${nameSuffix()}`;
  const child = `${fleet.metadata.namespace}/${name}`;
  deps.expectations.expectCreation(key, child);
  try {
    await deps.servers.create(serverFor(fleet, revision, name), { signal });
    log.info({ server: name, revision }, "game server created");
  } catch (error) {
    deps.expectations.cancel(child);
    throw error;
  }
}

async function removeServer(
  deps: FleetDeps,
  key: Key,
  { server }: Member,
  reason: string,
  { signal, log }: ReconcileContext,
): Promise<void> {
  const { namespace, name, uid } = server.metadata;
  const child = keyOf(server);
  deps.expectations.expectDeletion(key, child);
  try {
    await deps.servers.delete({ namespace, name }, { uid, signal });
    log.info({ server: name, reason }, "game server lets its players go");
  } catch (error) {
    deps.expectations.cancel(child);
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

/** Returns when to come back because load alone may be written only then. */
async function writeStatus(
  deps: FleetDeps,
  observed: ObservedFleet,
  decided: FleetPlan,
  memory: Memory,
  nowMs: number,
  { signal }: ReconcileContext,
): Promise<number | undefined> {
  const { fleet } = observed;
  const status = fleetStatus(observed, decided, memory.trouble, nowMs);
  if (sameJson(fleet.status, status)) return undefined;
  const onlyLoad = sameJson(withoutLoad(fleet.status), withoutLoad(status));
  const due = memory.lastWriteMs + LOAD_EVERY_MS;
  if (onlyLoad && nowMs < due) return due - nowMs;
  await deps.fleets.replace({ ...fleet, status }, { subresource: "status", signal });
  memory.lastWriteMs = nowMs;
  return undefined;
}

function withoutLoad(status: FleetStatus | undefined): Partial<FleetStatus> {
  const { sessions: _s, zones: _z, cpuPercent: _c, ...rest } = status ?? {};
  return rest;
}
