/** What the planner sees, and what it may decide. Plain data: the planner does no I/O. */

import type { LoadSample } from "../../../protocol/directory.ts";
import type { GameServerState } from "../../api/gameserver.ts";
import type { GameServer } from "../../api/kinds.ts";
import type { Node, Pod } from "./core.ts";
import type { Crash } from "./crash.ts";

export interface Observed {
  readonly server: GameServer;
  readonly pod?: Pod | undefined;
  /** The node the pod is on. */
  readonly node?: Node | undefined;
  /** The newest load sample of this life of the pod, if it is fresh. */
  readonly load?: LoadSample | undefined;
  /** Why the last try to make the pod failed, if it did. */
  readonly rejected?: { readonly reason: string; readonly message: string } | undefined;
  readonly nowMs: number;
}

/** Where the server is, and why: becomes `status.state` and the condition `Ready`. */
export interface Verdict {
  readonly state: GameServerState;
  readonly reason: string;
  readonly message: string;
  /** Worth a status write at once although the server is only on its way: something needs a person or time. */
  readonly notable: boolean;
}

export interface Plan {
  readonly verdict: Verdict;
  readonly createPod?: true;
  readonly deletePod?: { readonly uid: string; readonly force: boolean; readonly reason: string };
  /** The life whose lease must end now: its pod is known to be gone, its zones may be placed anew. */
  readonly releaseLife?: string;
  /** All is done: let the GameServer go. */
  readonly removeFinalizer?: true;
  readonly crashes: readonly Crash[];
  /** Unix ms by which a draining server must be empty; 0 when it is not draining. */
  readonly drainBy: number;
  readonly requeueAfterMs?: number;
}
