import { describe, expect, it } from "vitest";
import { type Effects, LADDER, Stance } from "./effects.ts";

describe("the ladder's table", () => {
  it("each step takes more and gives nothing back", () => {
    const gives = (effects: Effects) => [
      effects.backgroundPaused ? 0 : 1,
      effects.aiThrottled ? 0 : 1,
      effects.outerRingShare,
      effects.viewCapShare,
      1 / effects.refreshUpdates,
      effects.calmRateShare,
      effects.engagedHz,
      effects.afkHz,
      effects.farRegionHz,
      effects.joinsShed ? 0 : 1,
      effects.dilation ? 0 : 1,
    ];
    for (const [step, effects] of LADDER.entries()) {
      const before = gives(LADDER[Math.max(0, step - 1)] as Effects);
      for (const [index, now] of gives(effects).entries())
        expect(now).toBeLessThanOrEqual(before[index] ?? 0);
    }
    expect(new Set(LADDER.map((effects) => effects.name)).size).toBe(10);
  });

  it("says nothing of inputs and of answers to players: no step can take them", () => {
    const known = new Set(LADDER.flatMap((effects) => Object.keys(effects)));
    expect([...known].filter((key) => /^(input|ack|answer|event)/i.test(key))).toEqual([]);
  });
});

describe("the stance", () => {
  it("is normal from the start and is seen by every thread that has the buffer", () => {
    const written = new Stance();
    const read = new Stance(written.buffer);
    expect([read.step, read.effects.name, read.timeScale, read.duty]).toEqual([0, "normal", 1, 1]);
    written.set(9, 0.625);
    written.duty = 0.25;
    expect([read.step, read.effects.name, read.timeScale, read.duty]).toEqual([
      9,
      "time-dilated",
      0.625,
      0.25,
    ]);
  });

  it("takes a step it does not know for normal", () => {
    const stance = new Stance();
    stance.set(99, 1);
    expect(stance.effects.name).toBe("normal");
  });
});
