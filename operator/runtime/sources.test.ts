import { expect, test } from "vitest";
import type { KubeObject } from "../api/objects.ts";
import type { AddOptions } from "./queue.ts";
import {
  annotationsChanged,
  anyOf,
  type Source,
  specChanged,
  watchMapped,
  watchOwned,
  watchPrimary,
} from "./sources.ts";
import { Store } from "./store.ts";
import { pod } from "./testing/kit.ts";

function setup(make: (store: Store<KubeObject>) => Source) {
  const store = new Store<KubeObject>({
    onHandlerError: (error) => {
      throw error;
    },
  });
  const sent: [string, AddOptions | undefined][] = [];
  const end = make(store).start((key, options) => sent.push([key, options]));
  return { store, sent, end, keys: () => sent.splice(0).map(([key]) => key) };
}

let version = 0;
const at = (name: string, more: object = {}): KubeObject =>
  pod(name, { uid: "u", resourceVersion: String((version += 1)), generation: 1, ...more });

test("a kind's own status writes do not wake its controller", () => {
  const { store, keys } = setup((store) => watchPrimary(store));
  store.put(at("a"));
  expect(keys()).toEqual(["ns/a"]);
  store.put(at("a"));
  expect(keys()).toEqual([]);
  for (const more of [
    { generation: 2 },
    { generation: 2, labels: { x: "1" } },
    { generation: 2, labels: { x: "1" }, deletionTimestamp: "t" },
    { generation: 2, labels: { x: "1" }, deletionTimestamp: "t", finalizers: ["f"] },
  ]) {
    store.put(at("a", more));
    expect(keys()).toEqual(["ns/a"]);
  }
});

test("predicates combine", () => {
  const { store, keys } = setup((store) => watchPrimary(store, anyOf(specChanged, annotationsChanged)));
  store.put(at("a"));
  store.put(at("a", { annotations: { x: "1" } }));
  expect(keys()).toEqual(["ns/a", "ns/a"]);
});

test("a child wakes its controlling owner of the right kind, the old and the new one", () => {
  const owner = (name: string, kind = "Fleet", controller = true) => ({
    ownerReferences: [{ apiVersion: "v1", kind, name, uid: name, controller }],
  });
  const { store, keys } = setup((store) => watchOwned(store, "Fleet"));
  store.put(at("child", owner("f1")));
  store.put(at("child", owner("f2")));
  store.put(at("other", owner("x", "ReplicaSet")));
  store.put(at("loose", owner("f3", "Fleet", false)));
  expect(keys()).toEqual(["ns/f1", "ns/f2", "ns/f1"]);
  const child = store.get("ns/child");
  if (child !== undefined) store.remove(child);
  expect(keys()).toEqual(["ns/f2"]);
});

test("first lists come with low priority, deletions in their own lane", () => {
  const { store, sent } = setup((store) => watchMapped(store, ({ object }) => [object.metadata.name]));
  store.replace([at("a")], true);
  store.put(at("b"));
  store.put(at("b", { deletionTimestamp: "t" }));
  expect(sent).toEqual([
    ["a", { lane: "normal", priority: "low" }],
    ["b", { lane: "normal", priority: "normal" }],
    ["b", { lane: "deletion", priority: "normal" }],
  ]);
});

test("once ended, nothing is sent", () => {
  const { store, end, keys } = setup((store) => watchPrimary(store));
  end();
  store.put(at("a"));
  expect(keys()).toEqual([]);
});
