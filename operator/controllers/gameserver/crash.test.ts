import fc from "fast-check";
import { expect, it } from "vitest";
import { at, gameServer, NOW } from "../testing.ts";
import { recentCrashes, restartVerdict, withCrash } from "./crash.ts";

const crashed = (...msAgo: number[]) =>
  gameServer({
    status: {
      crashes: msAgo.map((ago, life) => ({ podUID: `pod-${life}`, time: at(-ago), reason: "exit 1" })),
    },
    spec: { restart: { maxRestarts: 3, windowSeconds: 100, backoffSeconds: 2 } },
  });

it("restarts at once the first time, then waits twice as long each time, then gives up", () => {
  expect(restartVerdict(crashed(), NOW)).toEqual({ verdict: "now" });
  expect(restartVerdict(crashed(0), NOW)).toEqual({ verdict: "now" });
  expect(restartVerdict(crashed(500, 0), NOW)).toEqual({ verdict: "wait", ms: 2_000 });
  expect(restartVerdict(crashed(5_000, 4_000, 1_500), NOW)).toEqual({ verdict: "wait", ms: 2_500 });
  expect(restartVerdict(crashed(9_000, 8_000, 4_000), NOW)).toEqual({ verdict: "now" });
  expect(restartVerdict(crashed(9_000, 8_000, 4_000, 60_000), NOW)).toEqual({ verdict: "give-up" });
});

it("forgets what is older than the window", () => {
  const server = crashed(100_000, 99_999, 10);
  expect(recentCrashes(server, NOW).map((crash) => crash.podUID)).toEqual(["pod-1", "pod-2"]);
  expect(restartVerdict(crashed(100_000, 100_001, 100_002, 100_003), NOW)).toEqual({ verdict: "now" });
});

it("never waits longer than a minute, and never after the wait is over", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 100_000 }), (count, ago) => {
      const server = gameServer({
        spec: { restart: { maxRestarts: 1_000, windowSeconds: 86_400, backoffSeconds: 3_600 } },
        status: {
          crashes: Array.from({ length: count }, (_, life) => ({
            podUID: `pod-${life}`,
            time: at(-ago),
            reason: "exit 1",
          })),
        },
      });
      const verdict = restartVerdict(server, NOW);
      if (verdict.verdict === "wait") expect(verdict.ms).toBeLessThanOrEqual(60_000 - ago);
      else expect(count === 1 || ago >= 60_000).toBe(true);
    }),
  );
});

it("counts a life's crash once, and keeps the newest 64", () => {
  const crash = { podUID: "pod-1", time: at(0), reason: "exit 1" };
  expect(withCrash([crash], crash)).toEqual([crash]);
  const many = Array.from({ length: 64 }, (_, life) => ({ ...crash, podUID: `old-${life}` }));
  const kept = withCrash(many, crash);
  expect(kept).toHaveLength(64);
  expect(kept[0]?.podUID).toBe("old-1");
  expect(kept.at(-1)).toBe(crash);
});
