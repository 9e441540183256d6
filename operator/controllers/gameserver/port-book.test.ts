import { expect, it } from "vitest";
import { Store } from "../../runtime/store.ts";
import { gameServer, pod } from "../testing.ts";
import type { Node, Pod } from "./core.ts";
import { PortBook } from "./port-book.ts";

const fails = (error: unknown) => {
  throw error;
};
function world({ nodes = 1, max = 7001 } = {}) {
  const pods = new Store<Pod>({ onHandlerError: fails });
  const nodeStore = new Store<Node>({ onHandlerError: fails });
  for (let n = 0; n < nodes; n++)
    nodeStore.put({ metadata: { name: `node-${n}`, uid: `n${n}`, resourceVersion: "1" } });
  return { pods, book: new PortBook({ min: 7000, max }, pods, nodeStore) };
}
const server = (name: string, ports?: readonly object[]) =>
  gameServer({ name, ...(ports ? { spec: { ports } } : {}) });
const shown = (name: string, hostPort: number): Pod => {
  const base = pod();
  return {
    ...base,
    metadata: { ...base.metadata, name, uid: name, resourceVersion: "1" },
    spec: { containers: [{ name: "game", ports: [{ name: "players", hostPort, protocol: "TCP" }] }] },
  };
};

it("never gives two pods of one node the same port, seen in the cache or not", () => {
  const { pods, book } = world({ max: 7002 });
  pods.put(shown("old", 7000));
  expect(book.take("default/a", server("a"))).toEqual({ given: { players: 7001 } });
  expect(book.take("default/b", server("b"))).toEqual({ given: { players: 7002 } });
  expect(book.take("default/c", server("c"))).toEqual({ missing: "players" });
});

it("gives a repeated call the same, until the pod is forgotten", () => {
  const { book } = world();
  const first = book.take("default/a", server("a"));
  expect(book.take("default/a", server("a"))).toEqual(first);
  expect(book.take("default/b", server("b"))).toEqual({ given: { players: 7001 } });
  book.forget("default/a");
  expect(book.take("default/c", server("c"))).toEqual({ given: { players: 7000 } });
});

it("counts a pod once when the cache shows it", () => {
  const { pods, book } = world({ nodes: 2, max: 7000 });
  expect(book.take("default/a", server("a"))).toEqual({ given: { players: 7000 } });
  pods.put(shown("a", 7000));
  expect(book.take("default/b", server("b"))).toEqual({ given: { players: 7000 } });
  expect(book.take("default/c", server("c"))).toEqual({ missing: "players" });
});

it("takes static ports as given, leaves out those that want none, and names the one that finds no place", () => {
  const { book } = world({ max: 7000 });
  const ports = [
    { name: "players", containerPort: 7000, policy: "Dynamic" },
    { name: "voice", containerPort: 7001, protocol: "UDP", policy: "Dynamic" },
    { name: "fixed", containerPort: 7002, policy: "Static", hostPort: 31_000 },
    { name: "inner", containerPort: 7003, policy: "None" },
    { name: "more", containerPort: 7004, policy: "Dynamic" },
  ];
  expect(book.take("default/a", server("a", ports))).toEqual({ missing: "more" });
  expect(book.take("default/a", server("a", ports.slice(0, 4)))).toEqual({
    given: { players: 7000, voice: 7000, fixed: 31_000 },
  });
});
