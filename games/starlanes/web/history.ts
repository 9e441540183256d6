/**
 * What was seen lately, so that motion can be drawn between two server ticks, or a little beyond the last one.
 */
import type { View } from "./sdk.ts";

export interface Pose {
  readonly x: number;
  readonly y: number;
  readonly heading: number;
}

interface Snapshot {
  readonly tick: number;
  readonly poses: ReadonlyMap<number, Pose>;
}

/** Snapshots kept: half a second at 12 a second. */
const KEPT = 6;
/** Farther than this between two updates is no flight but a jump (a ship that starts anew): not drawn as motion. */
const JUMP_METRES = 25;
/** Longest look ahead, ticks (1/60 s): what was steered since then is not known here. */
const MOST_AHEAD = 9;

export class History {
  #snapshots: Snapshot[] = [];

  record(view: View): void {
    const poses = new Map<number, Pose>();
    for (const { id, values } of view.entities.values()) {
      poses.set(id, { x: values.x ?? 0, y: values.y ?? 0, heading: values.heading ?? 0 });
    }
    const last = this.#snapshots.at(-1);
    // Another server counts its own ticks.
    if (last && view.tick <= last.tick) this.#snapshots = [];
    this.#snapshots.push({ tick: view.tick, poses });
    if (this.#snapshots.length > KEPT) this.#snapshots.shift();
  }

  clear(): void {
    this.#snapshots = [];
  }

  /** Where an entity is drawn at `tick` (fractions welcome); undefined when it was not seen. */
  poseAt(id: number, tick: number): Pose | undefined {
    const snapshots = this.#snapshots;
    let next = snapshots.findIndex((snapshot) => snapshot.tick >= tick);
    if (next < 0) next = snapshots.length - 1;
    const to = snapshots[next];
    const from = snapshots[next - 1];
    const end = to?.poses.get(id);
    if (!to || !end) return from?.poses.get(id) ?? this.#firstSeen(id);
    const start = from?.poses.get(id);
    if (!from || !start) return end;
    const span = to.tick - from.tick;
    return between(start, end, (Math.min(tick, to.tick + MOST_AHEAD) - from.tick) / span);
  }

  /** An entity that came into view after `tick`. */
  #firstSeen(id: number): Pose | undefined {
    return this.#snapshots.find(({ poses }) => poses.has(id))?.poses.get(id);
  }
}

/** `share` 0 is `a`, 1 is `b`, more goes on in the same direction. */
export function between(a: Pose, b: Pose, share: number): Pose {
  if (Math.hypot(b.x - a.x, b.y - a.y) > JUMP_METRES) return share < 1 ? a : b;
  return {
    x: a.x + (b.x - a.x) * share,
    y: a.y + (b.y - a.y) * share,
    heading: a.heading + turnBetween(a.heading, b.heading) * share,
  };
}

/** The shorter way round from one angle to another, −π … π. */
export function turnBetween(from: number, to: number): number {
  return Math.atan2(Math.sin(to - from), Math.cos(to - from));
}
