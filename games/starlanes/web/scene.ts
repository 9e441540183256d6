/**
 * What is on the screen at one moment: every entity with where it is drawn.
 *
 * Others are shown a tenth of a second late, between two updates that have come; the own ship is shown now, a little
 * ahead of the last update, because its pilot feels every delay.
 */
import { History, type Pose, turnBetween } from "./history.ts";
import type { View } from "./sdk.ts";
import { TickClock } from "./tick-clock.ts";

export interface Body extends Pose {
  readonly id: number;
  readonly kind: string;
  readonly own: boolean;
  readonly hull: number;
  /** Where it was a moment before: shots have no heading, and are drawn as streaks. */
  readonly before: Pose;
}

/** 100 ms at 60 ticks a second, a bit more than the time between two updates. */
const BEHIND_TICKS = 6;
/** Share of the own ship's error that is left after one second: small corrections glide instead of jumping. */
const ERROR_LEFT_PER_SECOND = 1e-5;
const SNAP_METRES = 20;
const STREAK_TICKS = 4;

export class Scene {
  readonly #history = new History();
  #clock = new TickClock(60);
  #view: View | undefined;
  #own: Pose | undefined;
  #at = 0;

  /** A WELCOME: a new view, maybe of another server. */
  begin(view: View): void {
    this.#view = view;
    this.#history.clear();
    this.#clock = new TickClock(view.welcome.tickHz);
    this.#own = undefined;
  }

  update(view: View, now: number): void {
    this.#view = view;
    this.#clock.heard(view.tick, now);
    this.#history.record(view);
  }

  bodies(now: number): Body[] {
    const tick = this.#clock.at(now);
    const passed = Math.max(0, (now - this.#at) / 1_000);
    this.#at = now;
    const found: Body[] = [];
    for (const { id, kind, own, values } of this.#view?.entities.values() ?? []) {
      const at = own ? tick : tick - BEHIND_TICKS;
      const seen = this.#history.poseAt(id, at);
      const pose = own ? this.#glide(seen, passed) : seen;
      const before = this.#history.poseAt(id, at - STREAK_TICKS);
      if (pose) found.push({ id, kind, own, hull: values.hull ?? 100, before: before ?? pose, ...pose });
    }
    return found;
  }

  #glide(target: Pose | undefined, passed: number): Pose | undefined {
    const last = this.#own;
    if (!target || !last || Math.hypot(target.x - last.x, target.y - last.y) > SNAP_METRES) {
      this.#own = target;
      return target;
    }
    const share = 1 - ERROR_LEFT_PER_SECOND ** passed;
    this.#own = {
      x: last.x + (target.x - last.x) * share,
      y: last.y + (target.y - last.y) * share,
      heading: last.heading + turnBetween(last.heading, target.heading) * share,
    };
    return this.#own;
  }
}
