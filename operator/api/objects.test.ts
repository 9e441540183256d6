import fc from "fast-check";
import { expect, test } from "vitest";
import { controllerOf, keyOf, keyOfRef, microTime, ownerReferenceTo, refOf } from "./objects.ts";

test("a key names its object again", () => {
  const name = fc.stringMatching(/^[a-z0-9.-]{1,20}$/);
  fc.assert(
    fc.property(name, fc.option(name, { nil: undefined }), (own, namespace) => {
      const ref = namespace === undefined ? { name: own } : { namespace, name: own };
      expect(refOf(keyOfRef(ref))).toEqual(ref);
    }),
  );
  expect(keyOf({ metadata: { name: "n", namespace: "" } })).toBe("n");
});

test("a MicroTime has exactly six fraction digits", () => {
  expect(microTime(Date.parse("2026-11-20T10:11:12.345Z"))).toBe("2026-11-20T10:11:12.345000Z");
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }), (date) => {
      expect(microTime(date.getTime())).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    }),
  );
});

test("only the controlling owner counts", () => {
  const owner = { metadata: { name: "f", uid: "u" } };
  const reference = ownerReferenceTo(owner, "gamefleet.dev/v1alpha1", "Fleet");
  const other = { ...reference, name: "other", controller: false };
  expect(controllerOf({ metadata: { name: "c", ownerReferences: [other, reference] } })).toBe(reference);
  expect(controllerOf({ metadata: { name: "c", ownerReferences: [other] } })).toBeUndefined();
  expect(() => ownerReferenceTo({ metadata: { name: "f" } }, "v1", "Pod")).toThrow("no uid");
});
