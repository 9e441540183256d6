import { expect, it } from "vitest";
import { AccessToken, type Issued } from "./access-token.ts";

const signal = new AbortController().signal;

/** Tokens that come when the test says so. */
function desk() {
  const waiting: PromiseWithResolvers<Issued>[] = [];
  const access = new AccessToken(() => {
    const one = Promise.withResolvers<Issued>();
    waiting.push(one);
    return one.promise;
  });
  return { access, waiting };
}

it("is fetched once for all who ask at the same time, and kept", async () => {
  const { access, waiting } = desk();
  const both = Promise.all([access.get(signal), access.get(signal)]);
  waiting[0]?.resolve({ token: "a", seconds: 3_600 });
  expect(await both).toEqual(["a", "a"]);
  expect(await access.get(signal)).toBe("a");
  expect(waiting).toHaveLength(1);
});

it("that could not be had is asked for again by the next", async () => {
  const { access, waiting } = desk();
  const lost = access.get(signal);
  waiting[0]?.reject(new Error("away"));
  await expect(lost).rejects.toThrow("away");
  const next = access.get(signal);
  waiting[1]?.resolve({ token: "b", seconds: 3_600 });
  expect(await next).toBe("b");
});

it("that runs out within a minute is used once", async () => {
  const { access, waiting } = desk();
  const first = access.get(signal);
  waiting[0]?.resolve({ token: "a", seconds: 59 });
  await first;
  void access.get(signal);
  expect(waiting).toHaveLength(2);
});

it("that was refused is dropped, but not the one that came after it", async () => {
  const { access, waiting } = desk();
  const first = access.get(signal);
  waiting[0]?.resolve({ token: "a", seconds: 3_600 });
  access.forget(await first);
  const second = access.get(signal);
  waiting[1]?.resolve({ token: "b", seconds: 3_600 });
  await second;
  access.forget("a");
  expect(await access.get(signal)).toBe("b");
  expect(waiting).toHaveLength(2);
});
