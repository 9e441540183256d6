/** Writing the status of a game server, and telling people when it changed its mind. */
import type { GameServer } from "../../api/kinds.ts";
import type { GameServerDeps, Memory } from "./deps.ts";
import type { Observed, Plan } from "./observed.ts";
import { decideStatus, LOAD_EVERY_MS, statusOf } from "./status.ts";

/** Returns when to look again because the load may be written only then. */
export async function writeStatus(
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
