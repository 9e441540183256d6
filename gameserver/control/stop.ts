/**
 * The orderly end: sessions are closed resumably at an even pace, so that their clients do not all knock at the
 * allocator at once; then the pod says its last words and gives up its zones.
 */
import { sleep } from "../../platform/background.ts";
import { CLOSE } from "../../protocol/close.ts";
import type { LoadSample } from "../../protocol/directory.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Backing } from "./backing.ts";

const STEP_MS = 50;
/** Longest wait for clients to answer our close. */
const FAREWELL_MS = 1_500;
/** Fewer than this are not worth spreading. */
const MIN_PER_STEP = 25;

export interface StopOptions {
  readonly sessions: Pick<Sessions, "list" | "end">;
  /** Time in which all sessions are closed. */
  readonly withinMs: number;
  readonly lastSample: () => LoadSample;
  readonly backing: Pick<Backing, "close">;
  /** Open player connections. */
  readonly connections: () => number;
  /** Ends the background loops, which `running` waits for. */
  readonly end: () => void;
  readonly running: Promise<unknown>;
}

export async function stopPod(options: StopOptions): Promise<void> {
  const { sessions, withinMs } = options;
  const all = sessions.list();
  const perStep = Math.max(MIN_PER_STEP, Math.ceil(all.length / (withinMs / STEP_MS)));
  const never = new AbortController().signal;
  for (let from = 0; from < all.length; from += perStep) {
    const some = all.slice(from, from + perStep);
    await Promise.allSettled(some.map((session) => sessions.end(session.session, CLOSE.shutdown)));
    if (from + perStep < all.length) await sleep(STEP_MS, never);
  }
  // Our close frames must be read before the sockets go: an early end may reset them.
  for (let waited = 0; waited < FAREWELL_MS && options.connections() > 0; waited += STEP_MS)
    await sleep(STEP_MS, never);
  options.end();
  await options.running;
  await options.backing.close(options.lastSample());
}
