import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Elector } from "./elector.ts";
import { ACT_EVERY_MS, type Act, Election } from "./testing/election.ts";
import { createKit } from "./testing/kit.ts";

const started = async (): Promise<Election> => {
  const election = new Election();
  election.start("one");
  await election.time.advance(100);
  election.start("two");
  await election.time.advance(2_000);
  expect(election.leader).toBe("one");
  return election;
};

describe("two processes", () => {
  test("one leads and goes on leading; the other never acts", async () => {
    const election = await started();
    await election.time.advance(60_000);
    expect(election.firstAct("two")).toBeUndefined();
    expect(election.lastAct("one")).toBeGreaterThan(election.time.now - 2 * ACT_EVERY_MS);
  });

  test("kill -9 of the leader: the other acts within 4 s", async () => {
    const election = await started();
    const died = election.time.now;
    election.processes[0]?.kill();
    await election.time.advance(10_000);
    expect((election.firstAct("two") ?? Number.POSITIVE_INFINITY) - died).toBeLessThan(4_000);
  });

  test("without a watch on the lease the same holds by polling", async () => {
    const election = new Election();
    election.leases.watchable = false;
    election.start("one");
    await election.time.advance(100);
    election.start("two");
    await election.time.advance(2_000);
    const died = election.time.now;
    election.processes[0]?.kill();
    await election.time.advance(10_000);
    expect((election.firstAct("two") ?? Number.POSITIVE_INFINITY) - died).toBeLessThan(4_000);
  });

  test("a watch that died unnoticed does not slow the take-over", async () => {
    const election = await started();
    election.leases.deafWatches = true;
    await election.time.advance(10_000);
    const died = election.time.now;
    election.processes[0]?.kill();
    await election.time.advance(10_000);
    expect((election.firstAct("two") ?? Number.POSITIVE_INFINITY) - died).toBeLessThan(4_000);
  });

  test("clean stop: the other acts within 100 ms, and the first never again", async () => {
    const election = await started();
    const stopped = election.time.now;
    void election.processes[0]?.stop();
    await election.time.advance(5_000);
    expect((election.firstAct("two") ?? Number.POSITIVE_INFINITY) - stopped).toBeLessThan(100);
    expect(election.lastAct("one")).toBeLessThanOrEqual(stopped);
  });

  test("a clean stop in the middle of a renewal still hands over", async () => {
    const election = await started();
    election.leases.latencyMs = 100;
    await election.time.advance(10_000);
    const before = election.leases.calls["replace"];
    // Just after a renewal has reached the server, before its answer is back.
    while (election.leases.calls["replace"] === before) await election.time.advance(1);
    const stopped = election.time.now;
    void election.processes[0]?.stop();
    await election.time.advance(5_000);
    expect((election.firstAct("two") ?? Number.POSITIVE_INFINITY) - stopped).toBeLessThan(1_000);
  });

  test("a paused leader is replaced, and does not act once it runs again", async () => {
    const election = await started();
    const one = election.processes[0];
    if (one === undefined) throw new Error("no first process");
    one.clock.paused = true;
    const paused = election.time.now;
    await election.time.advance(10_000);
    expect(election.leader).toBe("two");
    one.clock.paused = false;
    await election.time.advance(10_000);
    expect(election.lastAct("one")).toBeLessThanOrEqual(paused);
    expect(one.lost).toBe(true);
    expect(election.leader).toBe("two");
  });

  test("a leader paused for less than its deadline goes on", async () => {
    const election = await started();
    const one = election.processes[0];
    if (one === undefined) throw new Error("no first process");
    one.clock.paused = true;
    await election.time.advance(1_300);
    one.clock.paused = false;
    await election.time.advance(5_000);
    expect(election.leader).toBe("one");
    expect(one.lost).toBe(false);
  });

  test("an API server that is away makes the leader give up before another could lead", async () => {
    const election = await started();
    election.leases.partitioned = true;
    const cut = election.time.now;
    await election.time.advance(10_000);
    expect(election.processes[0]?.lost).toBe(true);
    expect((election.lastAct("one") ?? 0) - cut).toBeLessThanOrEqual(2_000);
    election.leases.partitioned = false;
    await election.time.advance(5_000);
    expect(election.leader).toBe("two");
  });

  test("a lease deleted by hand does not make two leaders", async () => {
    const election = await started();
    election.leases.cluster.remove("leases", "ns/operator");
    await election.time.advance(20_000);
    expect(election.firstAct("two")).toBeUndefined();
    expect(election.leader).toBe("one");
  });

  test("someone labelling the lease does not cost the leader its term", async () => {
    const election = await started();
    const lease = election.leases.cluster.get("leases", "ns/operator");
    if (lease === undefined) throw new Error("no lease");
    election.leases.cluster.put("leases", {
      ...lease,
      metadata: { ...lease.metadata, labels: { by: "hand" } },
    });
    await election.time.advance(5_000);
    expect(election.leader).toBe("one");
  });

  test("a wall clock set forward refuses writes until the next renewal, and costs no term", async () => {
    const election = await started();
    const one = election.processes[0];
    if (one === undefined) throw new Error("no first process");
    one.clock.wallOffset += 3_600_000;
    expect(() => one.elector.check()).toThrow("old");
    await election.time.advance(1_000);
    one.elector.check();
    expect(one.lost).toBe(false);
  });
});

test("leading costs two writes a second, waiting next to nothing", async () => {
  const election = await started();
  const before = { ...election.leases.calls };
  await election.time.advance(60_000);
  const spent = (verb: string): number => (election.leases.calls[verb] ?? 0) - (before[verb] ?? 0);
  expect(spent("replace")).toBeGreaterThan(100);
  expect(spent("replace")).toBeLessThanOrEqual(120);
  expect(spent("get") + spent("watch")).toBeLessThanOrEqual(2);
});

test("a released elector leaves no timer behind", async () => {
  const election = await started();
  for (const process of election.processes) void process.stop();
  await election.time.advance(5_000);
  for (const { clock } of election.processes) expect(clock.pending).toBe(0);
});

test("refuses figures under which two could lead", () => {
  const { leases } = new Election();
  const kit = createKit();
  const clock = new Election().time.clock();
  const base = { leases: leases.client(clock), namespace: "ns", name: "l", identity: "i", ...kit };
  expect(() => new Elector({ ...base, leaseSeconds: 2, renewDeadlineMs: 2_000 })).toThrow("renew deadline");
  expect(() => new Elector({ ...base, retryMs: 1_500 })).toThrow("retry");
});

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 10, max: 6_000 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("pause" as const), who: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("resume" as const), who: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("kill" as const), who: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stop" as const), who: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("start" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("partition" as const), on: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("latency" as const), ms: fc.integer({ min: 0, max: 700 }) }),
  },
);

/** Terms in order of time: each process acts in one unbroken stretch, and never beside another. */
function termsOf(acts: readonly Act[]): readonly string[] {
  return acts.filter((act, i) => acts[i - 1]?.who !== act.who).map(({ who }) => who);
}

test("two never act at once, and someone leads in the end, whatever happens", {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40, size: "max" }), async (steps) => {
      const election = new Election();
      const killed = new Set<string>();
      const stopped = new Set<string>();
      let names = 0;
      const start = (): void => void election.start(`p${names++}`);
      start();
      start();
      for (const act of steps) {
        const chosen = "who" in act ? election.processes[act.who % election.processes.length] : undefined;
        if (act.do === "wait") await election.time.advance(act.ms);
        else if (act.do === "start" && election.processes.length < 6) start();
        else if (act.do === "partition") election.leases.partitioned = act.on;
        else if (act.do === "latency") election.leases.latencyMs = act.ms;
        else if (chosen !== undefined && !killed.has(chosen.name)) {
          if (act.do === "pause") chosen.clock.paused = true;
          else if (act.do === "resume") chosen.clock.paused = false;
          else if (act.do === "stop") {
            stopped.add(chosen.name);
            void chosen.stop();
          } else if (act.do === "kill") {
            killed.add(chosen.name);
            chosen.kill();
          }
        }
      }
      for (const { clock, name } of election.processes) clock.paused = killed.has(name);
      Object.assign(election.leases, { partitioned: false, latencyMs: 5 });
      start();
      await election.time.advance(10_000);
      const terms = termsOf(election.acts);
      expect(new Set(terms).size).toBe(terms.length);
      expect(election.leader).toBeDefined();
      // What is on its way when a leader's time ends gets a second to arrive before another acts.
      for (const [i, next] of terms.entries()) {
        const last = terms[i - 1];
        if (last === undefined || stopped.has(last)) continue;
        expect((election.firstAct(next) ?? 0) - (election.lastAct(last) ?? 0)).toBeGreaterThanOrEqual(1_000);
      }
    }),
    { numRuns: 150 },
  );
});
