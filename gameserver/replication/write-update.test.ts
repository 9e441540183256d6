/** The fast writer against the plain one that the protocol documents: the same bytes, whatever the picture. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../../protocol/frames-bytes.ts";
import { columnsFor } from "../../protocol/frames-schema.ts";
import { maxUpdateBytes, UpdateWriter } from "../../protocol/frames-update.ts";
import { compileGame } from "../simulation/schema.ts";
import { OWN, wireKinds } from "./wire-kinds.ts";
import { CREDIT, type ViewState, viewState, writeChanges, writeEnters, writeLeaves } from "./write-update.ts";
import type { ZonePicture } from "./zone-picture.ts";

const u8 = { type: "u8", to: "near" } as const;
const { descriptor } = compileGame({
  name: "wide",
  version: 1,
  space: { width: 1_000, height: 1_000, step: 1 / 64, maxSpeed: 20 },
  interest: { radius: 50 },
  columns: {
    a: u8,
    b: { type: "u32", to: "near" },
    c: { type: "i16", to: "near" },
    d: u8,
    e: { type: "u32", to: "owner" },
    f: { type: "u16", to: "owner" },
  },
  kinds: {
    plain: { radius: 1, perPlayer: 1, columns: [] },
    wide: { radius: 1, perPlayer: 1, columns: ["a", "b", "c", "d", "e", "f"] },
    turning: { radius: 1, perPlayer: 1, columns: ["a"] },
    broad: { radius: 1, perPlayer: 1, columns: ["c"] },
  },
  inputs: {},
  events: {},
});
const kinds = wireKinds(descriptor);
const CAP = 40;
const ROWS = 50;

const code = fc.oneof(fc.nat(3), fc.nat(0xff), fc.nat(0xffff), fc.nat(0xffff_ffff));
const entity = fc.record({
  kind: fc.constantFrom(1, 2, 3, 4),
  place: fc.nat(CAP - 1),
  before: fc.array(code, { minLength: 8, maxLength: 8 }),
  after: fc.array(code, { minLength: 8, maxLength: 8 }),
  same: fc.boolean(),
});

function stateWith(ownId: number): ViewState {
  return viewState(CAP, kinds, new Uint8Array(CAP * 2), ownId, ownId);
}

/** Codes that fit their columns. */
function fitted(kind: number, codes: readonly number[]): number[] {
  return columnsFor(descriptor, kind, true).map((field, i) => (codes[i] ?? 0) % field.count);
}

describe("an update", () => {
  it("is byte for byte what the plain writer makes of the same leaves, enters and changes", () => {
    fc.assert(
      fc.property(fc.array(entity, { maxLength: CAP }), fc.nat(CAP), fc.nat(2), (entities, turn, owned) => {
        const stride = kinds.widest;
        const codes = new Uint32Array(ROWS * stride);
        const picture = {
          codes,
          stride,
          identity: new Uint32Array(ROWS),
          kind: new Uint8Array(ROWS),
        } as unknown as ZonePicture;
        const byPlace = [...new Map(entities.map((each) => [each.place, each])).values()];
        const ownRow = byPlace.length > 0 ? owned % byPlace.length : 0;
        const state = stateWith(((7 << 16) | ownRow) >>> 0);
        const fast = new Uint8Array(maxUpdateBytes(CAP, kinds.widest) + 16);
        const plain = new ByteWriter(new Uint8Array(fast.length));
        const writer = new UpdateWriter(plain);
        for (const [row, { kind, place, before }] of byPlace.entries()) {
          state.rows[place] = row;
          state.credit.fill(CREDIT, place, place + 1);
          const identity = ((7 << 16) | kind) >>> 0;
          state.identities[place] = identity;
          picture.identity[row] = identity;
          picture.kind[row] = kind;
          codes.set(fitted(kind, before), row * stride);
          state.handles[row] = place;
          state.handles[CAP + row] = place;
        }
        const formOf = (row: number, kind: number) => columnsFor(descriptor, kind, row === ownRow);
        let at = 8;
        writer.begin(0, 0, 0, false);
        if (byPlace.length > 0) {
          at = writeLeaves(fast, at, state, byPlace.length);
          at = writeEnters(fast, at, state, byPlace.length, picture);
        }
        for (const { place } of byPlace) writer.leave(place);
        for (const [row, { kind, place, before }] of byPlace.entries()) {
          const fields = formOf(row, kind);
          const id = ((7 << 16) | row) >>> 0;
          writer.enter(place, kind, id, fields, Uint32Array.from(fitted(kind, before)), 0);
        }
        // A later picture.
        const base = new Map<number, Uint32Array>();
        for (const [row, { kind, before, after, same }] of byPlace.entries()) {
          base.set(row, Uint32Array.from(fitted(kind, before)));
          codes.set(fitted(kind, same ? before : after), row * stride);
        }
        at = writeChanges(fast, at, fast.length, state, turn, picture);
        for (let n = 0; n < CAP; n++) {
          const handle = (((turn * 4) % CAP) + n) % CAP;
          const row = byPlace.findIndex((each) => each.place === handle);
          const found = byPlace[row];
          if (!found) continue;
          const now = codes.slice(row * stride, row * stride + stride);
          writer.change(handle, formOf(row, found.kind), now, base.get(row) ?? now, 0);
        }
        expect([...fast.subarray(8, at)]).toEqual([...plain.bytes.subarray(8, plain.at)]);
        // And what was sent is the new base: nothing is left to say.
        expect(writeChanges(fast, at, fast.length, state, turn, picture)).toBe(at);
      }),
      { numRuns: 300 },
    );
  });

  it("stops at its budget, and says the rest later", () => {
    const state = stateWith(0);
    const codes = new Uint32Array(ROWS * kinds.widest);
    const identity = new Uint32Array(ROWS).fill(1);
    const picture = { codes, identity, kind: new Uint8Array(ROWS).fill(1), stride: kinds.widest };
    for (let place = 0; place < 10; place++) {
      state.rows[place] = place;
      state.identities[place] = 1;
      state.credit[place] = CREDIT;
      codes[place * kinds.widest] = 1;
    }
    const bytes = new Uint8Array(1_000);
    const write = (limit: number) =>
      writeChanges(bytes, 0, limit, state, 0, picture as unknown as ZonePicture);
    expect(write(6)).toBe(6);
    expect(write(1_000)).toBe(14);
    expect(write(1_000)).toBe(0);
  });

  it("knows each kind's columns, and what only its owner sees", () => {
    expect([kinds.columns[1], kinds.columns[1 + OWN]]).toEqual([2, 2]);
    expect([kinds.columns[2], kinds.columns[2 + OWN]]).toEqual([6, 8]);
    expect([...kinds.plain.subarray(1, 5)]).toEqual([1, 1, 1, 0]);
    expect([kinds.masks[1], kinds.masks[2], kinds.masks[2 + OWN]]).toEqual([0, 1, 1]);
  });
});
