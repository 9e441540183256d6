/**
 * When NPCs think. The runtime decides, not the game, so that AI can give way when the pod is busy.
 *
 * This form is the plain one: each entity at its kind's rate, spread over the ticks by row.
 */
import type { Brain, Game, GameDeclaration, Zone } from "../game.ts";

interface Kinds {
  readonly kinds: readonly { readonly name: string }[];
}

/** What is read of a zone's memory: kind number by row (0 = free), and the tick and row count in `head`. */
interface Rows {
  readonly kind: Uint8Array;
}

type AnyZone = Zone<GameDeclaration> & {
  readonly high: number;
  entityAt(row: number): Parameters<Brain<GameDeclaration>["think"]>[1];
};

const TICK_HZ = 60;

export class Brains {
  /** By kind number. */
  readonly #brains: readonly (Brain<GameDeclaration> | undefined)[];
  readonly #periods: readonly number[];
  readonly #any: boolean;

  constructor(rules: Game["rules"], schema: Kinds) {
    const brains = new Map(Object.entries(rules.brains ?? {}));
    this.#brains = [undefined, ...schema.kinds.map((kind) => brains.get(kind.name))];
    this.#periods = this.#brains.map((brain) =>
      brain ? Math.max(1, Math.round(TICK_HZ / brain.thinkHz)) : 0,
    );
    this.#any = this.#brains.some((brain) => brain !== undefined);
  }

  think(zone: AnyZone, rows: Rows, onFault: (error: unknown) => void): void {
    if (!this.#any) return;
    const { tick } = zone;
    for (let row = 0; row < zone.high; row++) {
      const kind = rows.kind[row] as number;
      const brain = this.#brains[kind];
      if (!brain || (tick + row) % (this.#periods[kind] as number) !== 0) continue;
      try {
        brain.think(zone, zone.entityAt(row));
      } catch (error) {
        onFault(error);
      }
    }
  }
}
