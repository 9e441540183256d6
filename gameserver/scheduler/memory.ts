/**
 * What the pod does about memory: pure. Tables are fixed by `capacity`, so what grows are sessions, what is kept for
 * them, and the runtime's heap. Each level adds to the one before; a level is left only well below where it began.
 */
export const MEMORY_LEVELS = ["fine", "joins-refused", "caches-shed", "ladder"] as const;
export type MemoryLevel = 0 | 1 | 2 | 3;

/** Share of the limit at which levels 1, 2 and 3 begin. */
export const BEGINS = [0.85, 0.9, 0.95] as const;
/** A level is left so far below its beginning. */
const LEAVE = 0.05;

/** The level after `level` at `used` (share of the limit; 0 without a limit). */
export function planMemory(level: MemoryLevel, used: number): MemoryLevel {
  let next = 0;
  for (const [index, begins] of BEGINS.entries()) {
    const held = level > index && used > begins - LEAVE;
    if (used >= begins || held) next = index + 1;
  }
  return next as MemoryLevel;
}
