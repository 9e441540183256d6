import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Breaker, type BreakerOptions, createBreaker } from "./breaker.ts";
import { fail, hasCode } from "./errors.ts";
import { createRegistry, type Registry } from "./metrics.ts";
import { eventually } from "./testing/eventually.ts";

let registry: Registry;
let breaker: Breaker;
const away = () => Promise.reject(new Error("connection refused"));
const fine = () => Promise.resolve("ok");

beforeEach(() => {
  vi.useFakeTimers();
  registry = createRegistry();
});
afterEach(() => {
  breaker.close();
  vi.useRealTimers();
});

function make(options: Partial<BreakerOptions> = {}): Breaker {
  breaker = createBreaker({ name: "redis", registry, resetMs: 1_500, ...options });
  return breaker;
}

async function times(count: number, work: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await breaker.run(work).catch(() => {});
}

async function shown(name = "redis"): Promise<number | undefined> {
  const [metric] = await registry.getMetricsAsJSON();
  return metric?.values.find((value) => value.labels.breaker === name)?.value;
}

describe("a closed breaker", () => {
  it("passes values and errors through", async () => {
    make();
    await expect(breaker.run(fine)).resolves.toBe("ok");
    await expect(breaker.run(away)).rejects.toThrow("connection refused");
    expect(breaker.open).toBe(false);
    expect(await shown()).toBe(0);
  });

  it("does not open below its volume, nor while most calls go well", async () => {
    make();
    await times(4, away);
    expect(breaker.open).toBe(false);
    await times(20, fine);
    await times(5, away);
    expect(breaker.open).toBe(false);
  });

  it("does not count what says nothing about the store", async () => {
    make({ ignore: (error) => hasCode(error, "FENCED") });
    await times(50, () => Promise.reject(fail("FENCED", "moved on")));
    expect(breaker.open).toBe(false);
    await expect(breaker.run(() => Promise.reject(fail("FENCED", "moved on")))).rejects.toMatchObject({
      code: "FENCED",
    });
  });
});

describe("an open breaker", () => {
  it("refuses at once, without a call, and says when to come back", async () => {
    make();
    await times(5, away);
    expect(breaker.open).toBe(true);
    expect(await shown()).toBe(2);
    const work = vi.fn(fine);
    await expect(breaker.run(work)).rejects.toMatchObject({
      code: "CIRCUIT_OPEN",
      message: "redis is away",
      retryAfterSeconds: 1.5,
    });
    expect(work).not.toHaveBeenCalled();
  });

  it("lets one trial through after a while: closed when it goes well", async () => {
    make();
    await times(5, away);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(await shown()).toBe(1);
    await expect(breaker.run(fine)).resolves.toBe("ok");
    expect(breaker.open).toBe(false);
    expect(await shown()).toBe(0);
  });

  it("stays open when the trial fails", async () => {
    make();
    await times(5, away);
    await vi.advanceTimersByTimeAsync(1_500);
    await expect(breaker.run(away)).rejects.toThrow("connection refused");
    expect(breaker.open).toBe(true);
    await expect(breaker.run(fine)).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
  });

  it("lets no second call through while the trial is under way, and says the same to it", async () => {
    make();
    await times(5, away);
    await vi.advanceTimersByTimeAsync(1_500);
    let finish: (text: string) => void = () => {};
    const trial = breaker.run(
      () =>
        new Promise<string>((resolve) => {
          finish = resolve;
        }),
    );
    const second = vi.fn(fine);
    await expect(breaker.run(second)).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
    expect(second).not.toHaveBeenCalled();
    finish("back");
    await expect(trial).resolves.toBe("back");
    expect(breaker.open).toBe(false);
  });
});

it("with a probe traffic comes back after three good ones in a row, and never by one lucky call", async () => {
  vi.useRealTimers();
  const answers = [away, away, fine, fine, away, fine, fine, fine];
  const refused: boolean[] = [];
  const probe = vi.fn(async () => {
    refused.push(
      await breaker.run(fine).then(
        () => false,
        (error) => hasCode(error, "CIRCUIT_OPEN"),
      ),
    );
    return (answers.shift() ?? fine)();
  });
  make({ probe, resetMs: 5 });
  await times(5, away);
  await eventually(() => !breaker.open);
  expect([probe.mock.calls.length, answers.length]).toEqual([8, 0]);
  expect(refused).toEqual(Array.from({ length: 8 }, () => true));
  await expect(breaker.run(fine)).resolves.toBe("ok");
});

it("two breakers share one metric", async () => {
  const other = createBreaker({ name: "postgres", registry });
  make();
  await times(5, away);
  expect([await shown("redis"), await shown("postgres")]).toEqual([2, 0]);
  other.close();
});

it("leaves no timer once it is closed", async () => {
  make();
  await times(5, away);
  breaker.close();
  expect(vi.getTimerCount()).toBe(0);
});
