import { expect, test } from "vitest";
import { claimed, type Lease, observe, released, remainingMs } from "./lease.ts";

const lease = (spec: Lease["spec"], more: object = {}): Lease => ({
  metadata: { name: "l", namespace: "ns", uid: "u", ...more },
  spec,
});
const WALL = Date.parse("2026-01-02T03:04:05.678Z");

test("a record runs down from when it was first seen so, whatever else about the lease changes", () => {
  const held = { holderIdentity: "a", leaseDurationSeconds: 3, renewTime: "t1" };
  const first = observe(undefined, lease(held), 1_000);
  const labelled = observe(first, lease(held, { labels: { x: "y" }, resourceVersion: "9" }), 2_000);
  expect(remainingMs(labelled, 2_000)).toBe(2_000);
  const renewed = observe(labelled, lease({ ...held, renewTime: "t2" }), 2_500);
  expect(remainingMs(renewed, 2_500)).toBe(3_000);
  expect(remainingMs(renewed, 6_000)).toBe(0);
});

test("a lease deleted and made again is another record, even with the same words in it", () => {
  const held = { holderIdentity: "a", leaseDurationSeconds: 3, renewTime: "t1" };
  const first = observe(undefined, lease(held), 0);
  expect(remainingMs(observe(first, lease(held, { uid: "v" }), 1_000), 1_000)).toBe(3_000);
});

test("a free lease is free at once", () => {
  expect(remainingMs(observe(undefined, lease({ holderIdentity: "" }), 0), 0)).toBe(0);
  expect(remainingMs(observe(undefined, lease(undefined), 0), 0)).toBe(0);
});

test("taking counts a transition, renewing does not; times are MicroTime", () => {
  const taken = claimed(undefined, { identity: "a", durationSeconds: 3, wallMs: WALL });
  expect(taken).toEqual({
    holderIdentity: "a",
    leaseDurationSeconds: 3,
    acquireTime: "2026-01-02T03:04:05.678000Z",
    renewTime: "2026-01-02T03:04:05.678000Z",
    leaseTransitions: 0,
  });
  const renewed = claimed(taken, { identity: "a", durationSeconds: 3, wallMs: WALL + 1 });
  expect(renewed).toMatchObject({ acquireTime: taken.acquireTime, leaseTransitions: 0 });
  expect(renewed.renewTime).not.toBe(taken.renewTime);
  const over = claimed(renewed, { identity: "b", durationSeconds: 3, wallMs: WALL + 2 });
  expect(over).toMatchObject({ holderIdentity: "b", leaseTransitions: 1 });
  expect(over.acquireTime).toBe(over.renewTime);
  expect(released(over, WALL)).toMatchObject({ holderIdentity: "", leaseTransitions: 1 });
});
