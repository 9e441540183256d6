import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { choose, roomIn } from "./choose.ts";
import { FleetView, type ViewServer, type ViewZone } from "./view.ts";

const zone = (id: string, taken: number, over: Partial<ViewZone> = {}): ViewZone => ({
  id,
  kind: "on-demand",
  capacity: 10,
  open: true,
  taken,
  ...over,
});
const server = (name: string, zones: ViewZone[] = [], over: Partial<ViewServer> = {}): ViewServer => ({
  name,
  life: "1",
  address: "127.0.0.1",
  port: 7000,
  usable: true,
  state: "Ready",
  capacity: 100,
  cpuPercent: 20,
  taken: zones.reduce((sum, entry) => sum + entry.taken, 0),
  pending: 0,
  zones,
  ...over,
});
const view = (servers: readonly ViewServer[], over: Partial<FleetView["record"]> = {}) =>
  new FleetView(
    "default/lane",
    { namespace: "default", name: "lane", capacity: 100, onDemandSessions: 10, onDemandMax: 100, ...over },
    servers,
  );
const always = (value: number) => () => value;

describe("within a server", () => {
  it("fills the fullest zone that has room, so that players meet", () => {
    const choice = choose(view([server("a", [zone("z1", 3), zone("z2", 9), zone("z3", 10)])]), 1, always(0));
    expect(choice).toMatchObject({ kind: "zone", zone: { id: "z2" } });
  });

  it("takes the one with most room when asked to, and still none without room", () => {
    const zones = [zone("z1", 9), zone("z2", 3), zone("shut", 0, { open: false }), zone("z3", 8)];
    expect(choose(view([server("a", zones)]), 1, always(0), "roomiest")).toMatchObject({
      zone: { id: "z2" },
    });
    expect(choose(view([server("a", zones)]), 8, always(0), "roomiest")).toMatchObject({ kind: "new-zone" });
  });

  it("keeps a party together, in a new zone when none has room for all", () => {
    const fleet = view([server("a", [zone("z1", 8)])]);
    expect(choose(fleet, 2, always(0))).toMatchObject({ zone: { id: "z1" } });
    expect(choose(fleet, 3, always(0))).toMatchObject({ kind: "new-zone" });
    expect(choose(fleet, 11, always(0))).toBeUndefined();
  });
});

describe("between servers", () => {
  it("takes the less loaded, by seats, CPU and those on their way", () => {
    const busy = server("busy", [zone("z1", 5)], { cpuPercent: 60 });
    const calm = server("calm", [zone("z2", 5)], { cpuPercent: 30 });
    expect(choose(view([busy, calm]), 1, always(0))?.server.name).toBe("calm");
    const expected = server("expected", [zone("z3", 5)], { cpuPercent: 10, pending: 60 });
    expect(choose(view([expected, calm]), 1, always(0))?.server.name).toBe("calm");
  });

  it("takes a hot one only when no cooler one has room", () => {
    const hot = server("hot", [], { cpuPercent: 95 });
    const full = server("full", [], { taken: 100 });
    expect(choose(view([hot, full]), 1, always(0))?.server.name).toBe("hot");
  });
});

it("never picks a server or zone that takes nobody, never overfills, and finds a place when there is one", () => {
  const anyZone = fc.record({ taken: fc.integer({ min: 0, max: 10 }), open: fc.boolean() });
  const anyServer = fc.record({
    zones: fc.array(anyZone, { maxLength: 4 }),
    usable: fc.boolean(),
    capacity: fc.integer({ min: 1, max: 40 }),
    cpuPercent: fc.integer({ min: 0, max: 100 }),
  });
  fc.assert(
    fc.property(
      fc.array(anyServer, { maxLength: 8 }),
      fc.integer({ min: 1, max: 10 }),
      fc.constantFrom(0, 100),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (specs, count, onDemandMax, randoms) => {
        const servers = specs.map((spec, s) =>
          server(
            `s${s}`,
            spec.zones.map((entry, z) => zone(`s${s}z${z}`, entry.taken, { open: entry.open })),
            {
              usable: spec.usable,
              capacity: spec.capacity,
              cpuPercent: spec.cpuPercent,
            },
          ),
        );
        const fleet = view(servers, { onDemandMax });
        const choice = choose(fleet, count, () => randoms.next().value ?? 0);
        const able = servers.filter((entry) => entry.usable && entry.capacity - entry.taken >= count);
        const possible = able.some((entry) => onDemandMax > 0 || entry.zones.some((z) => roomIn(z) >= count));
        expect(choice !== undefined).toBe(possible);
        if (!choice) return;
        expect(able).toContain(choice.server);
        if (choice.kind === "zone") expect(roomIn(choice.zone)).toBeGreaterThanOrEqual(count);
      },
    ),
  );
});

it("spreads a crowd evenly although its samples are old", () => {
  const fleet = view(
    [0, 1, 2, 3].map((n) => server(`s${n}`, [], { capacity: 1_000 })),
    { onDemandSessions: 1_000 },
  );
  const random = (() => {
    let state = 7;
    return () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return state / 2_147_483_648;
    };
  })();
  for (let n = 0; n < 400; n++) {
    const choice = choose(fleet, 1, random);
    if (choice) fleet.take({ server: choice.server.name, zone: "", count: 1 });
  }
  for (const entry of fleet.servers) expect(Math.abs(entry.taken - 100)).toBeLessThan(15);
});
