import { expect, it } from "vitest";
import { TELL_EVERY_MS, warnAgain } from "./warn-again.ts";

const listen = () => {
  const lines: unknown[] = [];
  return { lines, log: { warn: (...line: unknown[]) => void lines.push(line) } };
};

it("tells the first failure at once, and later how often it has failed since", () => {
  const { lines, log } = listen();
  const fail = (nowMs: number) => warnAgain(log, "not written", new Error("away"), {}, nowMs);
  for (const nowMs of [0, 1, TELL_EVERY_MS - 1, TELL_EVERY_MS, TELL_EVERY_MS + 1]) fail(nowMs);
  expect(lines).toEqual([
    [{ err: { message: "away" }, times: 1 }, "not written"],
    [{ err: { message: "away" }, times: 3 }, "not written"],
  ]);
});

it("tells each thing, and each log, for itself", () => {
  const { lines, log } = listen();
  const other = listen();
  warnAgain(log, "tried again", new Error("away"), { what: "sweep" }, 0);
  warnAgain(log, "tried again", new Error("away"), { what: "keys" }, 0);
  warnAgain(other.log, "tried again", new Error("away"), { what: "keys" }, 0);
  expect([lines.length, other.lines.length]).toEqual([2, 1]);
});
