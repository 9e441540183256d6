import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ZoneRow } from "../../platform/ownership/ownership.ts";
import { planZones, type ZoneServer } from "./zone-plan.ts";

const FLEET = "default/starlanes";
const row = (id: string, over: Partial<ZoneRow> = {}): ZoneRow => ({
  fleet: FLEET,
  id,
  kind: "fixed",
  epoch: 1,
  capacity: 100,
  owner: null,
  ownerLife: null,
  leased: false,
  released: false,
  ...over,
});
const server = (name: string, over: Partial<ZoneServer> = {}): ZoneServer => ({
  id: `default/${name}`,
  life: "1",
  usable: true,
  silent: false,
  draining: false,
  capacity: 500,
  sessionsByZone: new Map(),
  ...over,
});
const owned = (id: string, by: string, over: Partial<ZoneRow> = {}) =>
  row(id, { owner: `default/${by}`, ownerLife: "1", leased: true, ...over });
const fixed = (...names: string[]) => names.map((name) => ({ name, sessions: 100 }));

describe("fixed zones", () => {
  it("are declared, then spread over the servers", () => {
    expect(planZones(fixed("sol"), [], [server("a")]).declare).toEqual(fixed("sol"));
    const rows = ["a1", "a2", "a3", "a4"].map((id) => row(id));
    const plan = planZones(fixed("a1", "a2", "a3", "a4"), rows, [server("a"), server("b")]);
    expect(plan.place.map((entry) => entry.owner)).toEqual([
      "default/a",
      "default/b",
      "default/a",
      "default/b",
    ]);
  });

  it("wait for servers that start, unless they have lost theirs", () => {
    const names = ["a1", "a2", "a3", "a4"];
    const never = names.map((id) => row(id, { epoch: 0 }));
    expect(planZones(fixed(...names), never, [server("a")], 1)).toMatchObject({
      place: [{ zone: "a1" }, { zone: "a2" }],
      waiting: ["a3", "a4"],
    });
    const lost = names.map((id) => row(id, { epoch: 1 }));
    expect(planZones(fixed(...names), lost, [server("a")], 1).place).toHaveLength(4);
  });

  it("stay with an owner that lives although its lease ran out: the store was away, not the pod", () => {
    const plan = planZones(
      fixed("sol"),
      [owned("sol", "a", { leased: false })],
      [server("a", { usable: false }), server("b")],
    );
    expect(plan.place).toEqual([]);
  });

  it("stay while the lease of a vanished owner runs, and move once it has ended", () => {
    expect(planZones(fixed("sol"), [owned("sol", "a")], [server("b")]).place).toEqual([]);
    const plan = planZones(fixed("sol"), [owned("sol", "a", { leased: false })], [server("b")]);
    expect(plan.place).toEqual([{ zone: "sol", epoch: 1, owner: "default/b", ownerLife: "1" }]);
  });

  it("leave an owner that no store hears, once its lease has run out: its node may be lost", () => {
    const silent = server("a", { usable: false, silent: true, sessionsByZone: undefined });
    expect(planZones(fixed("sol"), [owned("sol", "a")], [silent, server("b")]).place).toEqual([]);
    const lapsed = [owned("sol", "a", { leased: false })];
    expect(planZones(fixed("sol"), lapsed, [silent, server("b")]).place).toHaveLength(1);
    expect(planZones(fixed("sol"), lapsed, [silent])).toMatchObject({ place: [], waiting: ["sol"] });
  });

  it("leave an owner that has given its lease up, although the caches still show it with its players", () => {
    const stopping = server("a", { draining: true, usable: false, sessionsByZone: new Map([["sol", 9]]) });
    const released = [owned("sol", "a", { leased: false, released: true })];
    expect(planZones(fixed("sol"), released, [stopping, server("b")]).place).toHaveLength(1);
  });

  it("leave a draining server only when nobody plays in them", () => {
    const draining = (sessions: number) =>
      server("a", { draining: true, usable: false, sessionsByZone: new Map([["sol", sessions]]) });
    expect(planZones(fixed("sol"), [owned("sol", "a")], [draining(1), server("b")]).place).toEqual([]);
    expect(planZones(fixed("sol"), [owned("sol", "a")], [draining(0), server("b")]).place).toHaveLength(1);
  });

  it("that are no longer wanted go once they are empty", () => {
    const busy = server("a", { sessionsByZone: new Map([["sol", 2]]) });
    expect(planZones([], [owned("sol", "a")], [busy]).remove).toEqual([]);
    expect(planZones([], [owned("sol", "a")], [server("a")]).remove).toEqual([{ zone: "sol", epoch: 1 }]);
  });
});

it("an on-demand zone of a dead server is placed anew, and waits when there is no server", () => {
  const orphan = owned("match", "a", { kind: "on-demand", leased: false });
  expect(planZones([], [orphan], [server("b")]).place).toHaveLength(1);
  expect(planZones([], [orphan], []).waiting).toEqual(["match"]);
});

it("never gives a zone to a server that may not take it, and never takes one that may be served", () => {
  const anyServer = fc.record({
    usable: fc.boolean(),
    draining: fc.boolean(),
    life: fc.constantFrom("1", "2"),
  });
  const anyRow = fc.record({
    owner: fc.option(fc.constantFrom("default/s0", "default/s1", "default/s9"), { nil: null }),
    leased: fc.boolean(),
    released: fc.boolean(),
    kind: fc.constantFrom("fixed" as const, "on-demand" as const),
  });
  fc.assert(
    fc.property(
      fc.array(anyServer, { maxLength: 4 }),
      fc.array(anyRow, { maxLength: 12 }),
      (states, specs) => {
        const servers = states.map((state, index) => server(`s${index}`, state));
        const rows = specs.map((spec, index) =>
          row(`z${index}`, {
            ...spec,
            ownerLife: spec.owner === null ? null : "1",
            leased: spec.owner !== null && spec.leased,
            released: spec.owner !== null && !spec.leased && spec.released,
          }),
        );
        const plan = planZones(
          rows.filter((r) => r.kind === "fixed").map((r) => ({ name: r.id, sessions: 100 })),
          rows,
          servers,
        );
        for (const { zone, owner, ownerLife } of plan.place) {
          const target = servers.find((entry) => entry.id === owner && entry.life === ownerLife);
          expect(target?.usable && !target.draining).toBe(true);
          const before = rows.find((entry) => entry.id === zone);
          const holder = servers.find(
            (entry) => entry.id === before?.owner && entry.life === before?.ownerLife,
          );
          expect(before?.leased && !holder?.draining).toBeFalsy();
          expect(holder === undefined || holder.draining || before?.released).toBe(true);
        }
      },
    ),
  );
});
