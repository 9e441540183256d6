import { describe, expect, it } from "vitest";
import { ERRORS, type ErrorCode, fail, GamefleetError, hasCode, messageOf } from "./errors.ts";

const codes = Object.keys(ERRORS) as ErrorCode[];

describe("the table", () => {
  it.each(codes)("%s has a name that holds in a URL, a status of its kind and a title", (code) => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(ERRORS[code].status).toBeGreaterThanOrEqual(400);
    expect(ERRORS[code].status).toBeLessThan(600);
    expect(ERRORS[code].title).toMatch(/^[A-Z].*[^.]$/);
  });

  it("offers a retry exactly where the status of the answer does", () => {
    for (const code of codes) {
      const error = fail(code, "x");
      // A process that has lost the lead must not try again; it answers no requests with it.
      if (code === "LEADERSHIP_LOST") continue;
      expect(error.retryable, code).toBe([429, 503, 504].includes(error.status));
    }
    expect(fail("LEADERSHIP_LOST", "x").retryable).toBe(false);
  });
});

describe("fail", () => {
  it("makes an error with code, status, fields, cause and wait", () => {
    const cause = new Error("socket closed");
    const error = fail("ZONE_FULL", "zone sol holds 50 of 50", {
      cause,
      fields: { zone: "must have room" },
      retryAfterSeconds: 2,
    });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: "GamefleetError",
      code: "ZONE_FULL",
      status: 503,
      retryable: true,
      message: "zone sol holds 50 of 50",
      fields: { zone: "must have room" },
      retryAfterSeconds: 2,
      cause,
    });
    expect(error.stack).toContain("errors.test.ts");
  });

  it("has no cause when none was given", () => {
    expect("cause" in fail("TIMEOUT", "late")).toBe(false);
  });
});

it("hasCode knows ours by code, and nothing else", () => {
  expect(hasCode(fail("FENCED", "x"), "FENCED")).toBe(true);
  expect(hasCode(fail("FENCED", "x"), "TIMEOUT")).toBe(false);
  expect(hasCode(Object.assign(new Error("x"), { code: "FENCED" }), "FENCED")).toBe(false);
  expect(hasCode(undefined, "FENCED")).toBe(false);
});

it("messageOf says something of anything", () => {
  expect(messageOf(new GamefleetError("TIMEOUT", "late"))).toBe("late");
  expect(messageOf("gone")).toBe("gone");
  expect(messageOf(undefined)).toBe("undefined");
  expect(messageOf(null)).toBe("null");
});
