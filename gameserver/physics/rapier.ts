/**
 * Rapier, loaded only where a game declares rigid kinds: it is 2 MB of code and a heap of its own per thread.
 *
 * Version 0.20.0, the deterministic build: a world restored from a snapshot goes on bit by bit like the original, on
 * any machine. (0.19 does not; 0.21 is slower.)
 */
import type * as Module from "@dimforge/rapier2d-deterministic-compat";

type Rapier = typeof Module;

let loaded: Rapier | undefined;

/** Before the first zone with rigid kinds is made, on each thread that steps it. */
export async function loadRapier(): Promise<void> {
  if (loaded) return;
  const module = await import("@dimforge/rapier2d-deterministic-compat");
  await module.init();
  loaded = module;
}

export function rapier(): Rapier {
  if (!loaded) throw new Error("loadRapier() must be awaited before a zone with rigid kinds is made");
  return loaded;
}
