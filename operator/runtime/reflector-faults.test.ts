/**
 * The reflector's one promise, under random faults: when the faults end, the store equals the truth, and the
 * last thing a handler was told about each key is its final state. A failing run prints its seed.
 */

import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../../platform/random.ts";
import { keyOf } from "../api/objects.ts";
import { PODS } from "../kube/definition.ts";
import { resourceFor } from "../kube/resource.ts";
import { createTransport } from "../kube/transport.ts";
import { Reflector } from "./reflector.ts";
import { FakeApi } from "./testing/fake-api.ts";
import { noFaults, seededFaults } from "./testing/faults.ts";
import { createKit, fastClock, pod, type TestPod } from "./testing/kit.ts";

const NAMES = ["a", "b", "c", "d", "e", "f", "g", "h"];

/** Changes objects for a while, with pauses in which the reflector may catch up and meet faults. */
async function mutate(api: FakeApi, random: () => number, steps: number): Promise<void> {
  for (let step = 0; step < steps; step += 1) {
    const name = NAMES[Math.floor(random() * NAMES.length)] ?? "a";
    const dice = random();
    if (dice < 0.6) api.cluster.put("pods", pod(name, {}, { value: step }));
    else if (dice < 0.9) api.cluster.remove("pods", `ns/${name}`);
    else if (dice < 0.93) api.cluster.compact();
    if (random() < 0.3) await delay(random() * 6);
  }
}

/** What a handler was last told of each key: its version, or that it is gone. */
function follow(reflector: Reflector<TestPod>): ReadonlyMap<string, string> {
  const told = new Map<string, string>();
  const present = new Map<string, string | undefined>();
  reflector.store.subscribe(({ type, object }) => {
    const key = keyOf(object);
    if (present.has(key) === (type === "added")) throw new Error(`${type} of ${key} out of order`);
    if (type === "updated" && present.get(key) !== object.metadata.uid)
      throw new Error(`${key} is another object`);
    if (type === "deleted") present.delete(key);
    else present.set(key, object.metadata.uid);
    told.set(key, type === "deleted" ? "gone" : (object.metadata.resourceVersion ?? ""));
  });
  return told;
}

/** One run; returns how many keys were told of. */
async function run(seed: number, rate: number): Promise<number> {
  const api = await FakeApi.start();
  const kit = createKit();
  const transport = createTransport({ credentials: api.credentials, registry: kit.registry });
  const reflector = new Reflector<TestPod>({
    resource: resourceFor<TestPod>(transport, PODS, { retry: false }),
    log: kit.log,
    metrics: kit.metrics,
    clock: fastClock(2_000),
    random: seededRandom(seed),
  });
  const told = follow(reflector);
  const life = new AbortController();
  api.faults = seededFaults(seed, rate);
  const running = reflector.run({ stop: life.signal, kill: life.signal });
  try {
    await mutate(api, seededRandom(seed + 1), 150);
    api.faults = noFaults;
    // Streams opened earlier keep their faults; this change either reaches the reflector or breaks them.
    for (const object of api.cluster.list("pods")) api.cluster.put("pods", object);
    const truth = () => versions(api.cluster.list("pods"));
    await expect
      .poll(() => versions(reflector.store.list()), { timeout: 10_000, interval: 5 })
      .toEqual(truth());
    for (const object of reflector.store.list())
      expect(told.get(keyOf(object))).toBe(object.metadata.resourceVersion);
    for (const [key, state] of told)
      expect(state === "gone").toBe(api.cluster.get("pods", key) === undefined);
    expect(await kit.metric("gamefleet_reflector_handler_errors_total", { kind: "Pod" })).toBeUndefined();
    return told.size;
  } finally {
    life.abort();
    await running;
    await transport.close();
    await api.stop();
  }
}

function versions(objects: readonly { metadata: TestPod["metadata"] }[]): readonly string[] {
  return objects
    .map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion} ${metadata.uid}`)
    .toSorted();
}

test("the store equals the truth once the faults are over", { timeout: 60_000 }, async () => {
  const rate = fc.constantFrom(0.02, 0.1, 0.3);
  await fc.assert(
    fc.asyncProperty(fc.nat(1_000_000), rate, async (seed, share) => {
      expect(await run(seed, share)).toBeGreaterThan(0);
    }),
    { numRuns: 25, endOnFailure: true },
  );
});
