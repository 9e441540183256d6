import { describe, expect, it } from "vitest";
import { LADDER, Stance } from "../scheduler/effects.ts";
import { type Chore, Chores } from "./chores.ts";

/** Chores over a clock of the test's. */
function household(...given: Partial<Chore>[]) {
  const time = { now: 0 };
  const ran: string[] = [];
  const failed: string[] = [];
  const stance = new Stance();
  const chores = new Chores(
    given.map((chore, index) => ({
      name: `chore-${index}`,
      class: "background",
      everyMs: 1_000,
      work: () => void ran.push(`chore-${index}`),
      onError: (error) => failed.push(String(error)),
      ...chore,
    })),
    stance,
    () => time.now,
  );
  /** Turns until `ms` have passed, each as soon as the one before asked for. */
  const pass = async (ms: number) => {
    for (const end = time.now + ms; time.now < end; ) {
      time.now += chores.turn();
      // What was started may end.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const count = (name: string) => ran.filter((one) => one === name).length;
  return { chores, failed, stance, pass, count };
}

describe("chores", () => {
  it("come round again and again, each in its own time", async () => {
    const { pass, count } = household({}, { everyMs: 250 });
    await pass(5_001);
    expect([count("chore-0"), count("chore-1")]).toEqual([6, 21]);
  });

  it("one that fails comes round again", async () => {
    const { pass, failed } = household({
      work: () => {
        throw new Error("no luck");
      },
    });
    await pass(2_001);
    expect(failed).toEqual(Array(3).fill("Error: no luck"));
  });

  it("one that takes long does not overlap itself; an end waits for it", async () => {
    let finish = () => {};
    let begun = 0;
    const work = () =>
      new Promise<void>((resolve) => {
        begun++;
        finish = resolve;
      });
    const { pass, chores } = household({ work });
    await pass(5_000);
    expect(begun).toBe(1);
    finish();
    await pass(1_100);
    expect(begun).toBe(2);
    let ended = false;
    const stopped = chores.run(AbortSignal.abort()).then(() => {
      ended = true;
    });
    await pass(10);
    expect(ended).toBe(false);
    finish();
    await stopped;
  });

  it("of the background wait while the ladder says so, others do not; no wait is for ever", async () => {
    const { pass, stance, count } = household({}, { class: "replication" });
    await pass(100);
    stance.set(
      LADDER.findIndex((effects) => effects.backgroundPaused),
      1,
    );
    await pass(8_000);
    expect([count("chore-0"), count("chore-1")]).toEqual([1, 9]);
    await pass(4_000);
    expect(count("chore-0")).toBe(2);
    stance.set(0, 1);
    await pass(1_500);
    expect(count("chore-0")).toBeGreaterThanOrEqual(3);
  });
});
