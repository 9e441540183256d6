import { expect, test } from "vitest";
import { GamefleetError } from "../../platform/errors.ts";
import {
  apiErrorFrom,
  ignoreNotFound,
  isAlreadyExists,
  isConflict,
  isExpired,
  isInvalid,
  isNotFound,
  isThrottled,
} from "./errors.ts";

const status = (code: number, reason: string): string =>
  JSON.stringify({ kind: "Status", code, reason, message: "m" });

test("reads the server's Status object", () => {
  const error = apiErrorFrom("GET /x", 404, status(404, "NotFound"));
  expect(error).toBeInstanceOf(GamefleetError);
  expect(error).toMatchObject({ code: "KUBE_API", status: 404, reason: "NotFound", retryable: false });
  expect(error.message).toBe("GET /x: 404 NotFound: m");
});

test("bears bodies that are no Status: text, HTML, cut-off JSON", () => {
  expect(apiErrorFrom("GET /x", 502, "<html>bad gateway").message).toContain("502 Http502: <html>");
  expect(apiErrorFrom("GET /x", 500, "{").reason).toBe("Http500");
  expect(apiErrorFrom("GET /x", 503, "").message).toBe("GET /x: 503 Http503");
});

test("takes Retry-After from the header, else from the body", () => {
  expect(apiErrorFrom("GET /x", 429, "", "7").retryAfterSeconds).toBe(7);
  const body = JSON.stringify({ reason: "Timeout", details: { retryAfterSeconds: 3 } });
  expect(apiErrorFrom("GET /x", 504, body).retryAfterSeconds).toBe(3);
  expect(apiErrorFrom("GET /x", 429, "", "Wed, 21 Oct 2026 07:28:00 GMT").retryAfterSeconds).toBeUndefined();
});

test("tells the two meanings of 409 apart", () => {
  const taken = apiErrorFrom("POST /x", 409, status(409, "AlreadyExists"));
  const changed = apiErrorFrom("PUT /x", 409, status(409, "Conflict"));
  expect([isAlreadyExists(taken), isConflict(taken)]).toEqual([true, false]);
  expect([isAlreadyExists(changed), isConflict(changed)]).toEqual([false, true]);
});

test("predicates hold for their status only, and never for foreign errors", () => {
  const predicates = { 404: isNotFound, 410: isExpired, 422: isInvalid, 429: isThrottled };
  for (const [code, predicate] of Object.entries(predicates)) {
    expect(predicate(apiErrorFrom("GET /x", Number(code), ""))).toBe(true);
    expect(predicate(apiErrorFrom("GET /x", 400, ""))).toBe(false);
    expect(predicate(Object.assign(new Error("x"), { status: Number(code) }))).toBe(false);
  }
});

test("ignoreNotFound swallows nothing else", () => {
  expect(ignoreNotFound(apiErrorFrom("DELETE /x", 404, ""))).toBeUndefined();
  expect(() => ignoreNotFound(apiErrorFrom("DELETE /x", 409, ""))).toThrow("409");
});
