/** Critical scenarios as the scheduler sees them, in virtual time: what a task takes is what the test says. */
import { describe, expect, it } from "vitest";
import { BAND } from "./bands.ts";
import { Scheduler } from "./scheduler.ts";

const TICK_MS = 1_000 / 60;
const [UPDATE, PURCHASE, SWEEP] = [0, 1, 2] as const;

/** A thread that serves `players` updates of 0.03 ms each tick, each within 16 ms. */
function thread(players: number, bandCapacity: number) {
  const time = { now: 0 };
  const purchases: number[] = [];
  let sweeps = 0;
  const scheduler = new Scheduler({
    capacity: 65_536,
    bandCapacity,
    clock: () => time.now,
    onError: (_kind, error) => {
      throw error;
    },
    kinds: [
      { name: "update", class: "player-facing", run: () => (time.now += 0.03) },
      {
        name: "purchase",
        class: "transactions",
        run: (number) => {
          time.now += 0.08;
          purchases.push(number);
        },
      },
      {
        name: "sweep",
        class: "background",
        run: () => {
          time.now += 2;
          sweeps++;
        },
      },
    ],
  });
  let tick = 0;
  const run = (ticks: number) => {
    for (const end = tick + ticks; tick < end; tick++) {
      time.now = Math.max(time.now, tick * TICK_MS);
      for (let player = 0; player < players; player++)
        scheduler.submit(UPDATE, player, 0, tick * TICK_MS + 16, { band: BAND.active });
      scheduler.run((tick + 1) * TICK_MS - time.now);
    }
  };
  return { scheduler, run, purchases, sweeps: () => sweeps, now: () => time.now };
}

describe("many purchases", () => {
  it("10,000 at once, at 70 % player load: no player waits for them, all are carried out, in order", () => {
    const { scheduler, run, purchases } = thread(390, 20_000);
    run(60);
    for (let purchase = 0; purchase < 10_000; purchase++)
      expect(scheduler.submit(PURCHASE, purchase, 0, Infinity)).toBeGreaterThanOrEqual(0);
    run(60 * 5);
    expect([...scheduler.tally.missed].slice(0, 3)).toEqual([0, 0, 0]);
    expect(purchases).toEqual(Array.from({ length: 10_000 }, (_, purchase) => purchase));
  });

  it("more than the band holds are refused at once, so that whoever asks can be told; what was taken is done", () => {
    const { scheduler, run, purchases } = thread(390, 4_000);
    const taken = Array.from({ length: 9_000 }, (_, purchase) => purchase).filter(
      (purchase) => scheduler.submit(PURCHASE, purchase, 0, Infinity) >= 0,
    );
    expect(taken).toHaveLength(4_000);
    expect(scheduler.tally.refused[BAND.transactions]).toBe(5_000);
    run(60 * 3);
    expect(purchases).toEqual(taken);
    expect([...scheduler.tally.missed].slice(0, 3)).toEqual([0, 0, 0]);
  });

  it("while players need all there is, purchases and sweeps still get their minimum", () => {
    const { scheduler, run, purchases, sweeps } = thread(620, 60_000);
    for (let purchase = 0; purchase < 1_000; purchase++) scheduler.submit(PURCHASE, purchase, 0, Infinity);
    for (let sweep = 0; sweep < 20; sweep++) scheduler.submit(SWEEP, 0, 0, Infinity);
    run(60 * 10);
    expect(purchases.length).toBeGreaterThan(500);
    expect(sweeps()).toBeGreaterThanOrEqual(10);
  });
});

describe("a promotional spike", () => {
  it("three times the sessions within a second: the fights of those who were there are served in time", () => {
    const { scheduler, run } = thread(150, 60_000);
    run(60);
    const { missed } = scheduler.tally;
    // Newcomers are active at once, more of them each tick, up to three times of what fits.
    for (let tick = 0; tick < 60; tick++) {
      for (let fighter = 0; fighter < 40; fighter++)
        scheduler.submit(UPDATE, fighter, 0, (60 + tick) * TICK_MS + 10, { band: BAND.engaged });
      for (let newcomer = 0; newcomer < tick * 8; newcomer++)
        scheduler.submit(UPDATE, newcomer, 0, (60 + tick) * TICK_MS + 16, { band: BAND.calm });
      run(1);
    }
    // Some are late for a moment; those in a fight go first from then on.
    expect(missed[BAND.engaged]).toBeLessThan(60 * 40 * 0.05);
    expect(missed[BAND.calm]).toBeGreaterThan(0);
    run(600);
    expect(scheduler.size).toBe(0);
  });
});
