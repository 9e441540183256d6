/** One side of the comparison: the bench's zone, stepped by hand, its CPU time and its hounds' thoughts counted. */
import { Attention, BANDS } from "../../../gameserver/ai/attention.ts";
import { RATES } from "../../../gameserver/ai/rates.ts";
import { zoneMemory } from "../../../gameserver/simulation/memory.ts";
import { compileGame } from "../../../gameserver/simulation/schema.ts";
import { SimulatedZone } from "../../../gameserver/simulation/zone.ts";
import { quantile } from "../harness.ts";
import { benchGame, type Forms, PLAYERS } from "./game.ts";

const TICK_HZ = 60;
const HZ = 10;

export interface Side {
  /** Steps so many ticks; CPU ms a tick. */
  round(ticks: number): number;
  /** Forgets what was counted so far. */
  begin(): void;
  /** What was counted since `begin`, by band, of hounds that were in one band throughout. */
  findings(): readonly BandFindings[];
}

export interface BandFindings {
  readonly band: string;
  readonly hounds: number;
  /** Thoughts a second of all, and of the slowest. */
  readonly hz: number;
  readonly slowestHz: number;
  readonly floorHz: number;
  /** True when the slowest had fewer thoughts than the floor promises, less one for where the window begins. */
  readonly below: boolean;
  readonly gapP99Ms: number;
}

export function side(forms: Forms, ladder: number): Side {
  let thoughts = new Uint32Array();
  let last = new Uint32Array();
  let gaps: number[][] = [];
  const game = benchGame(forms, (row, tick) => {
    if ((last[row] as number) > 0) gaps[row]?.push(tick - (last[row] as number));
    last[row] = tick;
    thoughts[row] = (thoughts[row] as number) + 1;
  });
  const schema = compileGame(game.declaration);
  const memory = zoneMemory(schema, PLAYERS);
  const zone = new SimulatedZone(game, schema, "hounds", PLAYERS, memory.buffer, (_, where, error) => {
    throw new Error(`${where} failed in the bench`, { cause: error });
  });
  zone.ladder = ladder;
  zone.open(0);
  for (let slot = 0; slot < PLAYERS; slot++) zone.join(slot, slot);
  const { width, height, interest } = schema.descriptor;
  const attention = new Attention(width, height, interest);
  const [x, y] = memory.columns as [Float32Array, Float32Array];
  /** By row: the band in all rounds, 255 for more than one. */
  const band = new Uint8Array(memory.rows);
  let looked = false;
  let from = 0;
  const look = () => {
    attention.look(memory, zone.tick);
    for (let row = 0; row < memory.rows; row++) {
      const now = attention.at(x[row] as number, y[row] as number);
      if (!looked) band[row] = now;
      else if (band[row] !== now) band[row] = 255;
    }
    looked = true;
  };
  const begin = () => {
    thoughts = new Uint32Array(memory.rows);
    last = new Uint32Array(memory.rows);
    gaps = Array.from({ length: memory.rows }, () => []);
    looked = false;
    from = zone.tick;
  };
  begin();
  return {
    begin,
    round(ticks) {
      look();
      const before = process.threadCpuUsage();
      for (let n = 0; n < ticks; n++) zone.step(0);
      const { user, system } = process.threadCpuUsage(before);
      look();
      return (user + system) / 1_000 / ticks;
    },
    findings: () =>
      BANDS.map((name, index) => {
        const rows = [...band.keys()].filter((row) => memory.kind[row] === 2 && band[row] === index);
        const counts = rows.map((row) => thoughts[row] as number);
        const seconds = (zone.tick - from) / TICK_HZ;
        const floorHz = HZ * (ladder > 0 ? (RATES[index]?.floor ?? 0) : 1);
        const slowest = Math.min(...counts);
        const sorted = Float64Array.from(rows.flatMap((row) => gaps[row] ?? [])).sort();
        return {
          band: name,
          hounds: rows.length,
          hz: counts.reduce((sum, count) => sum + count, 0) / rows.length / seconds,
          slowestHz: slowest / seconds,
          floorHz,
          below: slowest < Math.floor(seconds * floorHz) - 1,
          gapP99Ms: (quantile(sorted, 0.99) / TICK_HZ) * 1_000,
        };
      }),
  };
}
