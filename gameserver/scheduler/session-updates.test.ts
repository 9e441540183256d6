import { describe, expect, it } from "vitest";
import { BAND } from "./bands.ts";
import { Stance } from "./effects.ts";
import { SessionUpdates } from "./session-updates.ts";

interface Player {
  readonly name: string;
  engaged: boolean;
  weight: number;
  spectator: boolean;
  latencyMs: number;
}
const player = (name: string): Player => ({
  name,
  engaged: false,
  weight: 1,
  spectator: false,
  latencyMs: 40,
});

function thread(capacity = 8) {
  const stance = new Stance();
  const updates = new SessionUpdates<Player>(capacity, 12, stance, {
    engaged: (session) => session.engaged,
    weight: (session) => session.weight,
    players: () => 2,
    watchers: () => 0,
    spectator: (session) => session.spectator,
    latencyMs: (session) => session.latencyMs,
  });
  const time = { tick: 0, ms: 0, perUpdate: 0 };
  const served: [number, string][] = [];
  /** Runs ticks; each may take `budgetMs`. */
  const run = (ticks: number, budgetMs = 1_000) => {
    served.length = 0;
    for (let i = 0; i < ticks; i++) {
      time.tick++;
      time.ms = (time.tick * 1_000) / 60;
      updates.begin(time.tick, time.ms);
      updates.serve(
        budgetMs,
        () => time.ms,
        (session) => {
          time.ms += time.perUpdate;
          served.push([time.tick, session.name]);
        },
      );
    }
    return served;
  };
  const hz = (name: string, ticks = 240) => {
    const count = run(ticks).filter(([, who]) => who === name).length;
    return Math.round((count * 60) / ticks);
  };
  return { updates, stance, run, hz, time };
}

describe("updates of an I/O thread", () => {
  it("come at the game's rate, in a fight at 20 a second within a few ticks, and back", () => {
    const { updates, hz, run } = thread();
    const ada = player("ada");
    updates.enter(ada);
    expect(hz("ada")).toBe(12);
    ada.engaged = true;
    const ticks = run(12).map(([tick]) => tick);
    expect(ticks.length).toBeGreaterThanOrEqual(3);
    expect(hz("ada")).toBe(20);
    ada.engaged = false;
    expect(hz("ada")).toBe(12);
  });

  it("a player who is away is served less, and at once again when he is back", () => {
    const { updates, hz, run } = thread();
    const index = updates.enter(player("ada"));
    run(30 * 60 + 30);
    expect(hz("ada")).toBe(5);
    updates.heard(index);
    expect(run(6).length).toBeGreaterThanOrEqual(1);
    for (let second = 0; second < 3; second++) {
      updates.heard(index);
      expect(hz("ada", 60)).toBe(12);
    }
  });

  it("inputs raise urgency, the game's weight raises it to that of a fight", () => {
    const { updates, hz, run } = thread();
    const [ada, bob] = [player("ada"), player("bob")];
    const [a, b] = [updates.enter(ada), updates.enter(bob)];
    for (let i = 0; i < 50; i++) {
      run(12);
      updates.heard(a);
      updates.heard(a);
    }
    expect(updates.urgency(a)).toBeGreaterThan(updates.urgency(b) + 5);
    bob.weight = 4;
    run(20);
    expect(updates.urgency(b)).toBeGreaterThan(updates.urgency(a));
    bob.engaged = true;
    expect(hz("bob")).toBe(20);
    ada.spectator = true;
    run(20);
    expect(hz("ada")).toBe(10);
  });

  it("a long round trip raises urgency: of two who act alike, who is far away is served at the rate of a fight", () => {
    const { updates, hz, run } = thread();
    const [near, far] = [player("near"), player("far")];
    const indexes = [near, far].map((who) => {
      who.weight = 3.6;
      return updates.enter(who);
    });
    far.latencyMs = 450;
    const act = (seconds: number) => {
      for (let beat = 0; beat < seconds * 6; beat++) {
        run(10);
        for (const index of indexes) updates.heard(index);
      }
    };
    act(10);
    const [ofNear = 0, ofFar = 0] = indexes.map((index) => updates.urgency(index));
    // A point for each 50 ms more, less what is idle meanwhile.
    expect(ofFar - ofNear).toBeCloseTo((450 - 40) / 50, 0);
    expect([hz("near", 60), hz("far", 60)]).toEqual([12, 20]);
    far.latencyMs = 40;
    act(1);
    expect(hz("far", 60)).toBe(12);
  });

  it("follow the ladder without being told", () => {
    const { updates, hz, stance } = thread();
    const [ada, bob] = [player("ada"), player("bob")];
    updates.enter(ada);
    updates.enter(bob);
    bob.engaged = true;
    stance.set(6, 1);
    hz("ada", 60);
    expect([hz("ada"), hz("bob")]).toEqual([6, 12]);
    stance.set(0, 1);
    hz("ada", 60);
    expect([hz("ada"), hz("bob")]).toEqual([12, 20]);
  });

  it("that do not fit into a tick come first in the next, the fight before the rest", () => {
    const { updates, run, time } = thread(64);
    const players = Array.from({ length: 64 }, (_, i) => player(`p${i}`));
    for (const [i, one] of players.entries()) {
      one.engaged = i < 8;
      updates.enter(one);
    }
    run(60);
    // Half of what is needed: 64 players, 12 and 20 a second, 1 ms each, 8 ms a tick.
    time.perUpdate = 1;
    const served = run(1_200, 8);
    const count = (from: number, to: number) =>
      served.filter(([, who]) => Number(who.slice(1)) >= from && Number(who.slice(1)) < to).length /
      (to - from);
    expect(count(0, 8)).toBeGreaterThan(count(8, 64) * 1.5);
    for (let i = 0; i < 64; i++) expect(count(i, i + 1)).toBeGreaterThan(20);
    expect(updates.schedule.stats().missed[BAND.active]).toBeGreaterThan(0);
  });

  it("end with the session; its place is free for another; a full table says so", () => {
    const { updates, run } = thread(2);
    const a = updates.enter(player("ada"));
    updates.enter(player("bob"));
    expect(updates.enter(player("eve"))).toBe(-1);
    updates.leave(a);
    updates.leave(a);
    updates.heard(a);
    expect(new Set(run(60).map(([, who]) => who))).toEqual(new Set(["bob"]));
    expect(updates.enter(player("eve"))).toBe(a);
    expect(new Set(run(60).map(([, who]) => who))).toEqual(new Set(["bob", "eve"]));
  });

  it("a session that leaves while it is served is not served again", () => {
    const { updates } = thread(2);
    const index = updates.enter(player("ada"));
    updates.begin(1, 0);
    updates.begin(10, 0);
    expect(
      updates.serve(
        10,
        () => 0,
        () => updates.leave(index),
      ),
    ).toBe(false);
    updates.begin(99, 0);
    expect(updates.schedule.ready).toBe(0);
  });
});
