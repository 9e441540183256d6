import fc from "fast-check";
import { expect, it } from "vitest";
import { labels } from "../../api/kinds.ts";
import { fleet } from "../testing.ts";
import { type ControllerRevision, expiredRevisions, revisionObject, revisionOf } from "./revision.ts";

it("names the template and nothing else", () => {
  const name = revisionOf(fleet());
  expect(name).toMatch(/^[bcdfghjklmnpqrstvwxz2-9]{10}$/);
  expect(revisionOf(fleet({ replicas: 7, paused: true }))).toBe(name);
  expect(revisionOf(fleet({ capacity: { sessions: 501 } }))).not.toBe(name);
  const image = {
    ports: [{ name: "players", containerPort: 7000 }],
    containers: [{ name: "game", image: "game:2" }],
  };
  expect(revisionOf(fleet({ template: { spec: image } }))).not.toBe(name);
});

it("does not depend on the order in which fields were written", () => {
  const one = fleet();
  const { template, ...rest } = one.spec;
  const turned = Object.fromEntries(Object.entries(template.spec).reverse()) as typeof template.spec;
  expect(revisionOf({ ...one, spec: { ...rest, template: { ...template, spec: turned } } })).toBe(
    revisionOf(one),
  );
});

it("is kept as a ControllerRevision of the fleet", () => {
  const object = revisionObject(fleet(), "bcdf", 3);
  expect(object).toMatchObject({
    metadata: {
      name: "starlanes-bcdf",
      ownerReferences: [{ kind: "Fleet", uid: "fleet-uid", controller: true }],
    },
    revision: 3,
    data: { capacity: { sessions: 500 } },
  });
});

it("lets the oldest go that nobody runs, down to the limit", () => {
  const revision = (number: number): ControllerRevision => ({
    metadata: { name: `r-${number}`, labels: { [labels.revision]: `${number}` } },
    revision: number,
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 50 })),
      fc.uniqueArray(fc.integer({ min: 1, max: 50 })),
      fc.nat(10),
      (numbers, used, limit) => {
        const inUse = new Set(used.map(String));
        const gone = expiredRevisions(numbers.map(revision), inUse, limit).map((entry) => entry.revision);
        const idle = numbers.filter((number) => !used.includes(number)).sort((a, b) => a - b);
        expect(gone).toEqual(idle.slice(0, Math.max(0, idle.length - limit)));
      },
    ),
  );
});
