import fc from "fast-check";
import { expect, test } from "vitest";
import { keyOf } from "../api/objects.ts";
import { type Change, Store } from "./store.ts";
import { pod, type TestPod } from "./testing/kit.ts";

function setup() {
  const errors: unknown[] = [];
  const store = new Store<TestPod>({
    indexes: {
      node: ({ spec }) => (spec?.node === undefined ? [] : [spec.node]),
      label: ({ metadata }) =>
        Object.entries(metadata.labels ?? {}).map(([name, value]) => `${name}=${value}`),
    },
    onHandlerError: (error) => errors.push(error),
  });
  const changes: Change<TestPod>[] = [];
  store.subscribe((change) => changes.push(change));
  return {
    store,
    changes,
    errors,
    take: () => changes.splice(0).map(({ type, object }) => `${type} ${keyOf(object)}`),
  };
}

const at = (name: string, version: number, uid = "u", node?: string): TestPod =>
  pod(name, { uid, resourceVersion: String(version) }, node === undefined ? {} : { node });

test("objects are frozen to the bottom and come without managedFields", () => {
  const { store } = setup();
  const raw = pod("a", { uid: "u", resourceVersion: "1", labels: { x: "y" } }, { node: "n" });
  store.put({
    ...raw,
    metadata: { ...raw.metadata, managedFields: [{ manager: "m" }] } as TestPod["metadata"],
  });
  const held = store.get("ns/a");
  expect(held?.metadata).not.toHaveProperty("managedFields");
  expect(() => Object.assign(held?.metadata.labels ?? {}, { x: "z" })).toThrow(TypeError);
  expect(() => Object.assign(held?.spec ?? {}, { node: "m" })).toThrow(TypeError);
});

test("the same version again is no change", () => {
  const { store, take } = setup();
  store.put(at("a", 1));
  store.put(at("a", 1));
  store.put(at("a", 2));
  expect(take()).toEqual(["added ns/a", "updated ns/a"]);
});

test("another UID under a known name is a deletion and an addition", () => {
  const { store, take } = setup();
  store.put(at("a", 1, "first"));
  store.put(at("a", 5, "second"));
  expect(take()).toEqual(["added ns/a", "deleted ns/a", "added ns/a"]);
  store.remove(at("a", 4, "first"));
  expect(take()).toEqual([]);
  expect(store.get("ns/a")?.metadata.uid).toBe("second");
});

test("a swap announces what vanished, what is new and what changed, and nothing else", () => {
  const { store, take } = setup();
  store.replace([at("same", 1), at("changed", 1), at("gone", 1)], true);
  take();
  store.replace([at("same", 1), at("changed", 2), at("new", 3)], false);
  expect(take()).toEqual(["deleted ns/gone", "updated ns/changed", "added ns/new"]);
});

test("handlers see the whole new list from the first change on", () => {
  const { store } = setup();
  store.replace([at("a", 1), at("b", 1)], true);
  const sizes: number[] = [];
  store.subscribe((change) => {
    if (!change.initial) sizes.push(store.size);
  });
  store.replace([at("c", 2), at("d", 2), at("e", 2)], false);
  expect(new Set(sizes)).toEqual(new Set([3]));
});

test("who subscribes late gets everything first, marked as initial", () => {
  const { store } = setup();
  store.put(at("a", 1));
  const seen: Change<TestPod>[] = [];
  const end = store.subscribe((change) => seen.push(change));
  store.put(at("b", 2));
  end();
  store.put(at("c", 3));
  expect(seen.map(({ object, initial }) => [object.metadata.name, initial])).toEqual([
    ["a", true],
    ["b", false],
  ]);
});

test("a handler that throws is reported and costs the others nothing", () => {
  const { store, errors, take } = setup();
  store.subscribe(() => {
    throw new Error("bad handler");
  });
  store.put(at("a", 1));
  expect(take()).toEqual(["added ns/a"]);
  expect(errors).toHaveLength(1);
});

test("an index function that throws leaves the object out of the index, not out of the store", () => {
  const errors: unknown[] = [];
  const store = new Store<TestPod>({
    indexes: {
      bad: () => {
        throw new Error("bad index");
      },
    },
    onHandlerError: (error) => errors.push(error),
  });
  store.put(at("a", 1));
  expect(store.get("ns/a")).toBeDefined();
  expect(store.byIndex("bad", "x")).toEqual([]);
  expect(errors.length).toBeGreaterThan(0);
});

test("an undeclared index is a mistake of the program", () => {
  expect(() => setup().store.byIndex("nope", "x")).toThrow("no index nope");
});

const action = fc.oneof(
  fc.record({
    do: fc.constant("put" as const),
    name: fc.constantFrom("a", "b", "c"),
    uid: fc.constantFrom("u1", "u2"),
    node: fc.constantFrom(undefined, "n1", "n2"),
  }),
  fc.record({ do: fc.constant("remove" as const), name: fc.constantFrom("a", "b", "c") }),
  fc.record({
    do: fc.constant("replace" as const),
    names: fc.uniqueArray(fc.constantFrom("a", "b", "c", "d")),
  }),
);

test("indexes agree with the objects, and changes replayed give the store, whatever happens", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40, size: "max" }), (actions) => {
      const { store, changes } = setup();
      let version = 0;
      for (const act of actions) {
        version += 1;
        if (act.do === "put") store.put(at(act.name, version, act.uid, act.node));
        else if (act.do === "replace")
          store.replace(
            act.names.map((name) => at(name, version, "u3", "n1")),
            false,
          );
        else {
          const held = store.get(`ns/${act.name}`);
          if (held !== undefined) store.remove(held);
        }
      }
      const replayed = new Map<string, TestPod>();
      for (const { type, object, previous } of changes) {
        const key = keyOf(object);
        // Additions only of what is absent, updates and deletions only of what is present.
        expect(replayed.has(key)).toBe(type !== "added");
        if (type === "updated") expect(previous).toBe(replayed.get(key));
        if (type === "deleted") replayed.delete(key);
        else replayed.set(key, object);
      }
      expect([...replayed.values()]).toEqual(expect.arrayContaining([...store.list()]));
      expect(replayed.size).toBe(store.size);
      for (const node of ["n1", "n2"]) {
        const expected = store.list().filter(({ spec }) => spec?.node === node);
        expect(new Set(store.byIndex("node", node))).toEqual(new Set(expected));
      }
    }),
  );
});
