/** Turns wishes into inputs: steering when it changes, shots while the trigger is held, neither more often than needed. */
import type { Wish } from "./controls.ts";
import type { Player } from "./sdk.ts";

const STEER_EVERY_MS = 50;
/** The gun takes 0.8 s to reload; asking more often only makes the first moment exact. */
const FIRE_EVERY_MS = 150;
/** The wire carries hundredths. */
const STEP = 0.01;

export class Pilot {
  #thrust = 0;
  #turn = 0;
  #steeredAt = 0;
  #firedAt = 0;

  /** The server knows nothing of what was asked before: say it again. */
  forget(): void {
    this.#thrust = 0;
    this.#turn = 0;
  }

  fly(player: Player, { thrust, turn, fire }: Wish, now: number): void {
    const changed = Math.abs(thrust - this.#thrust) >= STEP || Math.abs(turn - this.#turn) >= STEP;
    if (changed && now - this.#steeredAt >= STEER_EVERY_MS) {
      player.send("steer", { thrust, turn });
      this.#thrust = thrust;
      this.#turn = turn;
      this.#steeredAt = now;
    }
    if (fire && now - this.#firedAt >= FIRE_EVERY_MS) {
      player.send("fire");
      this.#firedAt = now;
    }
  }
}
