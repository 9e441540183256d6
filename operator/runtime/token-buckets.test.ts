import { expect, test } from "vitest";
import { VirtualTime } from "./testing/virtual-time.ts";
import { TokenBuckets } from "./token-buckets.ts";

function setup(limit = 100) {
  const time = new VirtualTime();
  return { time, buckets: new TokenBuckets({ burst: 3, refillMs: 1_000, limit, clock: time.clock() }) };
}

const takeAll = (buckets: TokenBuckets, name: string): number => {
  let taken = 0;
  while (taken < 100 && buckets.take(name)) taken += 1;
  return taken;
};

test("a burst, then one each interval, never more than the burst again", async () => {
  const { time, buckets } = setup();
  expect(takeAll(buckets, "a")).toBe(3);
  await time.advance(999);
  expect(takeAll(buckets, "a")).toBe(0);
  await time.advance(1);
  expect(takeAll(buckets, "a")).toBe(1);
  await time.advance(2_500);
  expect(takeAll(buckets, "a")).toBe(2);
  await time.advance(500);
  expect(takeAll(buckets, "a")).toBe(1);
  await time.advance(1_000_000);
  expect(takeAll(buckets, "a")).toBe(3);
});

test("names do not share", () => {
  const { buckets } = setup();
  takeAll(buckets, "a");
  expect(takeAll(buckets, "b")).toBe(3);
});

test("of too many names the one unused longest is forgotten", () => {
  const { buckets } = setup(2);
  takeAll(buckets, "a");
  takeAll(buckets, "b");
  buckets.take("a");
  takeAll(buckets, "c");
  expect(buckets.take("a")).toBe(false);
  expect(buckets.take("b")).toBe(true);
});
