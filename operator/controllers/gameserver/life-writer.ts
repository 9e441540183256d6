/** Making and ending the pods of a game server, and the lease of a life that is over. */
import { messageOf } from "../../../platform/errors.ts";
import { forgetServer, release } from "../../../platform/ownership/ownership.ts";
import type { GameServer } from "../../api/kinds.ts";
import { controllerOf, type Key } from "../../api/objects.ts";
import { ApiError, isAlreadyExists, isConflict, isNotFound } from "../../kube/errors.ts";
import type { ReconcileContext } from "../../runtime/controller.ts";
import type { Pod } from "./core.ts";
import { type GameServerDeps, type Memory, REJECTED_MS } from "./deps.ts";
import type { Observed, Plan } from "./observed.ts";
import { podFor } from "./pod.ts";

/**
 * Ends the lease of a life that is over, so that its zones move at once. Best effort: when PostgreSQL does not
 * answer, the lease runs out by itself a few seconds later.
 */
export async function releaseLife(
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

export async function deletePod(
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

export async function createPod(
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
