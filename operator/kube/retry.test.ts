import { expect, test } from "vitest";
import { fail } from "../../platform/errors.ts";
import { ApiError, connectionError } from "./errors.ts";
import { retryDelayMs } from "./retry.ts";

const half = (): number => 0.5;
const api = (status: number, retryAfterSeconds?: number): ApiError =>
  new ApiError(status, "X", "x", retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
const reset = connectionError("GET /x", Object.assign(new Error("reset"), { code: "ECONNRESET" }));
const refused = connectionError("GET /x", Object.assign(new Error("refused"), { code: "ECONNREFUSED" }));

test.each([
  ["throttled, any verb", api(429), false, true],
  ["server error, idempotent", api(503), true, true],
  ["server error, create", api(500), false, false],
  ["reset, idempotent", reset, true, true],
  ["reset, create: it may have been carried out", reset, false, false],
  ["refused, create: it was never sent", refused, false, true],
  ["not found", api(404), true, false],
  ["conflict", api(409), true, false],
  ["a guard's refusal", fail("LEADERSHIP_LOST", "x"), true, false],
  ["time-out", fail("TIMEOUT", "x"), true, false],
])("%s", (_, error, idempotent, retried) => {
  expect(retryDelayMs(error, { idempotent, retries: 0 }, half) !== undefined).toBe(retried);
});

test("gives up after three retries", () => {
  expect(retryDelayMs(api(503), { idempotent: true, retries: 2 }, half)).toBeDefined();
  expect(retryDelayMs(api(503), { idempotent: true, retries: 3 }, half)).toBeUndefined();
});

test("waits at least as long as the server asks, but leaves long pauses to the queue", () => {
  expect(retryDelayMs(api(429, 2), { idempotent: false, retries: 0 }, () => 0)).toBeGreaterThanOrEqual(2_000);
  expect(retryDelayMs(api(429, 60), { idempotent: false, retries: 0 }, half)).toBeUndefined();
});
