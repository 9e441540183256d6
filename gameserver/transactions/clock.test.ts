import { expect, it } from "vitest";
import { type Clock, pause, within } from "./clock.ts";

/** Time that stands still until it is moved; `waiting` are the alarms that are set. */
function still() {
  const waiting = new Set<() => void>();
  const clock: Clock = {
    now: () => 0,
    after: (_ms, act) => {
      waiting.add(act);
      return () => void waiting.delete(act);
    },
  };
  return { clock, waiting };
}

it("a pause ends by time, or at once when it is called off, before it began as well", async () => {
  const { clock, waiting } = still();
  const ending = new AbortController();
  const first = pause(clock, 1_000, ending.signal);
  for (const act of waiting) act();
  await first;
  const second = pause(clock, 1_000, ending.signal);
  ending.abort();
  await second;
  await pause(clock, 1_000, ending.signal);
  expect(waiting.size).toBe(0);
});

it("what comes in time is given on and leaves no alarm behind; what is late is an error", async () => {
  const { clock, waiting } = still();
  const late = () => new Error("late");
  await expect(within(clock, 10, Promise.resolve(5), late)).resolves.toBe(5);
  await expect(within(clock, 10, Promise.reject(new Error("broken")), late)).rejects.toThrow("broken");
  expect(waiting.size).toBe(0);
  const never = within(clock, 10, new Promise(() => {}), late);
  for (const act of waiting) act();
  await expect(never).rejects.toThrow("late");
});
