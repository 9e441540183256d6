/** Where everyone of the bench's world is: the same for both sides of a comparison, and for any number of players. */

export interface BenchWorld {
  readonly players: number;
  /** Metres. */
  readonly side: number;
  readonly npcs: number;
  readonly crowds: readonly { readonly x: number; readonly y: number }[];
}

const CROWDS = 10;
/** Metres around a crowd's middle at which its people stand. */
const CROWD_RADIUS = 60;

export function worldOf(players: number): BenchWorld {
  const side = Math.max(120, Math.round(1_000 * Math.sqrt(players / 5_000)));
  const crowds = Array.from({ length: CROWDS }, (_, index) => ({
    // Spread like the points of a low-discrepancy sequence: no two crowds on each other.
    x: side * (0.1 + 0.8 * ((index * 0.618_034) % 1)),
    y: side * (0.1 + (0.8 * (index + 0.5)) / CROWDS),
  }));
  return { players, side, npcs: Math.round(players * 0.4), crowds };
}

/** The home of a player: half of them in a crowd, half anywhere. `seed` is a 32-bit number of the player's own. */
export function placeOf(world: BenchWorld, seed: number): { readonly x: number; readonly y: number } {
  const a = (seed & 0xffff) / 0x1_0000;
  const b = (seed >>> 16) / 0x1_0000;
  const crowd = world.crowds[(Math.imul(seed, 0x9e37_79b1) >>> 8) % CROWDS];
  if ((Math.imul(seed, 0x85eb_ca6b) >>> 16) % 2 === 0 || !crowd) {
    return { x: a * world.side, y: b * world.side };
  }
  const radius = CROWD_RADIUS * Math.sqrt(a) * Math.min(1, world.side / 1_000);
  const clamp = (value: number) => Math.min(world.side - 1, Math.max(1, value));
  return {
    x: clamp(crowd.x + Math.cos(b * Math.PI * 2) * radius),
    y: clamp(crowd.y + Math.sin(b * Math.PI * 2) * radius),
  };
}
