import { expect, it } from "vitest";
import { Batches } from "./batches.ts";

/** Answers twice the number, when it is told to; notes what came together. */
function doubling(most: number) {
  const away: {
    readonly items: readonly number[];
    readonly answer: () => void;
    readonly fail: () => void;
  }[] = [];
  const batches = new Batches<number, number>((items) => {
    const { promise, resolve, reject } = Promise.withResolvers<number[]>();
    const answer = () => resolve(items.map((item) => item * 2));
    away.push({ items, answer, fail: () => reject(new Error("lost")) });
    return promise;
  }, most);
  return { batches, away };
}

it("sends together what was asked in one turn, and then what has gathered meanwhile", async () => {
  const { batches, away } = doubling(10);
  const first = [1, 2, 3].map((item) => batches.ask(item));
  await expect.poll(() => away.map(({ items }) => items)).toEqual([[1, 2, 3]]);
  const second = [4, 5].map((item) => batches.ask(item));
  away[0]?.answer();
  expect(await Promise.all(first)).toEqual([2, 4, 6]);
  await expect
    .poll(() => away.map(({ items }) => items))
    .toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
  away[1]?.answer();
  expect(await Promise.all(second)).toEqual([8, 10]);
  await batches.idle();
  const third = batches.ask(6);
  await expect.poll(() => away.length).toBe(3);
  away[2]?.answer();
  expect(await third).toBe(12);
});

it("sends no more than so many at once, in the order of asking", async () => {
  const { batches, away } = doubling(2);
  const asked = [1, 2, 3, 4, 5].map((item) => batches.ask(item));
  for (let batch = 0; batch < 3; batch++) {
    await expect.poll(() => away.length).toBe(batch + 1);
    away[batch]?.answer();
  }
  expect(await Promise.all(asked)).toEqual([2, 4, 6, 8, 10]);
  expect(away.map(({ items }) => items)).toEqual([[1, 2], [3, 4], [5]]);
});

it("throws what a batch fails by to all who wait for the same, not to who asks later", async () => {
  const { batches, away } = doubling(2);
  const asked = Promise.allSettled([1, 2, 3].map((item) => batches.ask(item)));
  await expect.poll(() => away.length).toBe(1);
  away[0]?.fail();
  expect((await asked).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  await batches.idle();
  const later = batches.ask(4);
  await expect.poll(() => away.length).toBe(2);
  away[1]?.answer();
  expect(await later).toBe(8);
});
