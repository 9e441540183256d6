import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Welcome } from "../../protocol/frames.ts";
import { ByteWriter } from "../../protocol/frames-bytes.ts";
import { columnsFor, restore } from "../../protocol/frames-schema.ts";
import { View } from "../../protocol/view.ts";
import { pushInput } from "../simulation/input-ring.ts";
import { front, zoneMemory } from "../simulation/memory.ts";
import { compileGame } from "../simulation/schema.ts";
import { SimulatedZone } from "../simulation/zone.ts";
import { game } from "../testing/arena-game.ts";
import { Interest } from "./interest.ts";
import { FULL_DETAIL, SessionView } from "./session-view.ts";
import { wireKinds } from "./wire-kinds.ts";
import { ZonePicture } from "./zone-picture.ts";

const schema = compileGame(game.declaration);
const kinds = wireKinds(schema.descriptor);
const SLOTS = 20;

function world() {
  const memory = zoneMemory(schema, SLOTS);
  const zone = new SimulatedZone(game, schema, "sol", SLOTS, memory.buffer, () => {});
  zone.open(0);
  const picture = new ZonePicture(schema, memory);
  const { interest, width, height } = schema.descriptor;
  return { memory, zone, picture, interest: new Interest(interest, width, height, picture) };
}

class Player {
  readonly view: View;
  readonly #session: SessionView;
  readonly #picture: ZonePicture;
  readonly #interest: Interest;
  readonly #out = new ByteWriter(new Uint8Array(8_192));

  constructor(picture: ZonePicture, interest: Interest, entity: number) {
    this.#picture = picture;
    this.#interest = interest;
    this.#session = new SessionView(kinds, schema.viewCap, entity);
    this.view = new View({
      game: schema.descriptor,
      entity,
      seq: 0,
      tick: 0,
      inputSeq: 0,
      replay: 0,
    } as Welcome);
  }

  /** One update; answers its bytes, 0 for none. */
  update(budget = 1_100): number {
    const picture = this.#picture;
    picture.refresh();
    this.#out.at = 0;
    const seq = this.view.seq + 1;
    if (!this.#session.encode(this.#out, seq, 0, picture, this.#interest, FULL_DETAIL, budget, false))
      return 0;
    this.view.apply(this.#out.written());
    return this.#out.at;
  }

  /** Every entity in the view, with what the server has published of it now. */
  compare(): { readonly seen: unknown[]; readonly published: unknown[] } {
    const seen: unknown[] = [];
    const published: unknown[] = [];
    const from = front(this.#picture.memory);
    for (const entity of this.view.entities.values()) {
      const row = entity.id & 0xffff;
      const fields = columnsFor(schema.descriptor, this.#picture.memory.kind[row] ?? 0, entity.own);
      const now = fields.map((field) => {
        const place = fields.indexOf(field);
        return [field.name, restore(field, from.codes[row * from.stride + place] ?? 0)];
      });
      seen.push([entity.id, entity.values]);
      published.push([entity.id, Object.fromEntries(now)]);
    }
    return { seen, published };
  }
}

const move = fc.record({
  slot: fc.integer({ min: 0, max: SLOTS - 1 }),
  dx: fc.integer({ min: 0, max: 200 }),
  dy: fc.integer({ min: 0, max: 200 }),
});
const turn = fc.record({
  moves: fc.array(move, { maxLength: 6 }),
  leaves: fc.option(fc.integer({ min: 1, max: SLOTS - 1 }), { freq: 6 }),
  ticks: fc.integer({ min: 1, max: 20 }),
  /** A skipped update stands for a socket that is backed up. */
  skip: fc.boolean(),
  budget: fc.constantFrom(20, 1_100),
});

describe("what a session is sent", () => {
  it("adds up to the truth once the world rests, whatever moved, left, was skipped or did not fit", () => {
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 25 }), (turns) => {
        const { memory, zone, picture, interest } = world();
        const ids = Array.from({ length: SLOTS }, (_, slot) => zone.join(slot, slot) ?? 0);
        const player = new Player(picture, interest, ids[0] ?? 0);
        const gone = new Set<number>();
        for (const { moves, leaves, ticks, skip, budget } of turns) {
          for (const { slot, dx, dy } of moves) {
            pushInput(memory, slot, (memory.accepted[slot] ?? 0) + 1, 0, Uint8Array.of(dx, dy), 0, 2);
          }
          if (leaves !== null && !gone.has(leaves)) {
            zone.leave(leaves);
            gone.add(leaves);
          }
          for (let tick = 0; tick < ticks; tick++) zone.step(0);
          if (!skip) player.update(budget);
        }
        for (let slot = 0; slot < SLOTS; slot++) {
          pushInput(memory, slot, (memory.accepted[slot] ?? 0) + 1, 0, Uint8Array.of(100, 100), 0, 2);
        }
        for (let tick = 0; tick < 120; tick++) zone.step(0);
        for (let update = 0; update < 12; update++) player.update();
        const { seen, published } = player.compare();
        expect(seen).toEqual(published);
        expect(player.view.own?.id).toBe(ids[0]);
        expect(player.view.entities.size).toBeLessThanOrEqual(schema.viewCap);
        for (const slot of gone) expect(player.view.entities.has(ids[slot] ?? 0)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it("is nothing while nothing changes", () => {
    const { zone, picture, interest } = world();
    const player = new Player(picture, interest, zone.join(0, 0) ?? 0);
    zone.step(0);
    expect(player.update()).toBeGreaterThan(8);
    for (let i = 0; i < 10; i++) {
      zone.step(0);
      expect(player.update()).toBe(0);
    }
  });

  it("prefers the nearest when there are more than places, and keeps who is far out of it", () => {
    const { zone, picture, interest } = world();
    const ids = Array.from({ length: SLOTS }, (_, slot) => zone.join(slot, slot) ?? 0);
    zone.step(0);
    const player = new Player(picture, interest, ids[0] ?? 0);
    player.update();
    const own = player.view.own?.values["x"] ?? 0;
    const distances = [...player.view.entities.values()].map((entity) =>
      Math.abs((entity.values["x"] ?? 0) - own),
    );
    expect(distances.length).toBe(schema.viewCap);
    expect(Math.max(...distances)).toBeLessThanOrEqual(20);
    expect([...player.view.entities.values()].some((entity) => entity.kind === "rock")).toBe(false);
  });
});
