/** A zone of the bench's game, stepped by hand and kept in motion. */
import type { Crew } from "../../../gameserver/physics/crew.ts";
import { zoneMemory } from "../../../gameserver/simulation/memory.ts";
import { compileGame } from "../../../gameserver/simulation/schema.ts";
import { SimulatedZone } from "../../../gameserver/simulation/zone.ts";
import { benchGame, type Size } from "./game.ts";

export interface BenchZone {
  readonly zone: SimulatedZone;
  /** Stirs, steps, and answers the step's ms. */
  readonly step: () => number;
  /** Bodies that have moved in the last step, of all there are. */
  readonly awakeShare: () => number;
}

/** One body in so many gets a new speed before each step: nothing comes to rest, on any side of a comparison. */
const STIR = 64;

export function benchZone(size: Size, crew?: Crew, from?: Uint8Array): BenchZone {
  const game = benchGame(size);
  const schema = compileGame(game.declaration);
  const memory = zoneMemory(schema, 1);
  const onFault = (_: string, where: string, error: unknown) => {
    throw new Error(`${where} failed in the bench`, { cause: error });
  };
  const zone = new SimulatedZone(game, schema, "bench", 1, memory.buffer, onFault, crew);
  if (from) zone.restore(from);
  else {
    zone.open(0);
    zone.join(0, 0);
  }
  const [x, , vx, vy] = memory.columns as [Float32Array, Float32Array, Float32Array, Float32Array];
  const before = new Float32Array(memory.rows);
  const stir = () => {
    const tick = zone.tick + 1;
    for (let row = tick % STIR; row < memory.rows; row += STIR) {
      if (memory.kind[row] === 0) continue;
      // A fixed hash of row and tick: the same kick on every side.
      const hash = Math.imul(row * 0x9e3779b1 + tick, 0x85ebca6b) >>> 0;
      vx[row] = (hash & 0xff) / 32 - 4;
      vy[row] = ((hash >>> 8) & 0xff) / 32 - 4;
    }
  };
  return {
    zone,
    step() {
      stir();
      before.set(x);
      const started = performance.now();
      zone.step(0);
      return performance.now() - started;
    },
    awakeShare() {
      let moved = 0;
      let all = 0;
      for (let row = 0; row < memory.rows; row++) {
        if (memory.kind[row] === 0) continue;
        all++;
        if (x[row] !== before[row]) moved++;
      }
      return moved / all;
    },
  };
}
