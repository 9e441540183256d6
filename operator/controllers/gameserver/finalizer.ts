/** The finalizer: holds a GameServer until its pod is gone and its zones are free. */
import { FINALIZER, type GameServer } from "../../api/kinds.ts";
import type { Key } from "../../api/objects.ts";
import { isNotFound } from "../../kube/errors.ts";
import type { ReconcileContext } from "../../runtime/controller.ts";
import type { GameServerDeps } from "./deps.ts";

export async function addFinalizer(
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

export async function removeFinalizer(
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
