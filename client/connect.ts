/** Begins to play. */
import type { Place, PlayerOptions } from "./options.ts";
import { Player } from "./player.ts";

/** Connects to a place and keeps the session alive until `close`. Listen with `player.on(…)`. */
export function connect(place: Place, options: PlayerOptions = {}): Player {
  const player = new Player(place, options);
  player.start();
  return player;
}
