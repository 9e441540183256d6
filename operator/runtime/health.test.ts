import { expect, test } from "vitest";
import { Health, stallCheck } from "./health.ts";
import { VirtualTime } from "./testing/virtual-time.ts";

test("one failing check makes the whole unwell, and all are named", () => {
  const health = new Health();
  health.add("ping", () => {});
  const remove = health.add("caches", () => {
    throw new Error("pods: not listed yet");
  });
  expect(health.report()).toEqual({ ok: false, checks: { ping: "ok", caches: "pods: not listed yet" } });
  remove();
  expect(health.report()).toEqual({ ok: true, checks: { ping: "ok" } });
});

test("a name is used once", () => {
  const health = new Health();
  health.add("ping", () => {});
  expect(() => health.add("ping", () => {})).toThrow("exists already");
});

test("a stall is told once, with its length", async () => {
  const time = new VirtualTime();
  const clock = time.clock();
  const stall = stallCheck(1_000, clock);
  await time.advance(5_000);
  stall.check();
  clock.paused = true;
  await time.advance(3_000);
  clock.paused = false;
  await time.advance(500);
  expect(stall.check).toThrow(/stood still for (2[5-9]\d\d|3000) ms/);
  stall.check();
  stall.close();
  expect(clock.pending).toBe(0);
});

test("a probe that comes first thing after a stall sees it", async () => {
  const time = new VirtualTime();
  const clock = time.clock();
  const stall = stallCheck(1_000, clock);
  clock.paused = true;
  await time.advance(3_000);
  expect(stall.check).toThrow("stood still");
  clock.paused = false;
  await time.advance(1_000);
  stall.check();
  stall.close();
});
