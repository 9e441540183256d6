import { afterEach, beforeEach, expect, test } from "vitest";
import type { KubeObject } from "../api/objects.ts";
import { LEASES, NODES, PODS } from "./definition.ts";
import { resourceFor } from "./resource.ts";
import { json, sequence, startServer, type TestServer } from "./testing/server.ts";

const FLEETS = {
  group: "gamefleet.dev",
  version: "v1alpha1",
  plural: "fleets",
  kind: "Fleet",
  namespaced: true,
};
const ref = { namespace: "ns", name: "f" };
const BASE = "/apis/gamefleet.dev/v1alpha1/namespaces/ns/fleets";

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.close());

const fleets = () => resourceFor<KubeObject>(server.transport, FLEETS);
const asked = () =>
  server.asked.map(({ method, url, headers, body }) => ({
    call: `${method} ${url.pathname}${url.search}`,
    type: headers["content-type"],
    body: body === "" ? undefined : (JSON.parse(body) as unknown),
  }));

test("paths of core, grouped, cluster-scoped and namespaced kinds", async () => {
  await resourceFor(server.transport, PODS).get({ namespace: "a", name: "p" });
  await resourceFor(server.transport, NODES).get({ name: "n" });
  await resourceFor(server.transport, LEASES).get({ namespace: "a", name: "l" });
  await fleets().get(ref);
  expect(asked().map(({ call }) => call)).toEqual([
    "GET /api/v1/namespaces/a/pods/p",
    "GET /api/v1/nodes/n",
    "GET /apis/coordination.k8s.io/v1/namespaces/a/leases/l",
    `GET ${BASE}/f`,
  ]);
  expect(() => fleets().get({ name: "f" })).toThrow("without its namespace");
});

test("each write has its verb, media type, manager and subresource", async () => {
  const object = { metadata: ref, spec: { replicas: 1 } };
  await fleets().create(object);
  await fleets().replace(object, { subresource: "status" });
  await fleets().mergePatch(ref, { spec: null });
  await fleets().jsonPatch(ref, [{ op: "remove", path: "/metadata/finalizers/0" }]);
  await fleets().apply(object, { fieldManager: "fleet", subresource: "status" });
  await fleets().setScale(ref, 3);
  expect(asked()).toEqual([
    { call: `POST ${BASE}`, type: "application/json", body: object },
    { call: `PUT ${BASE}/f/status`, type: "application/json", body: object },
    { call: `PATCH ${BASE}/f`, type: "application/merge-patch+json", body: { spec: null } },
    {
      call: `PATCH ${BASE}/f`,
      type: "application/json-patch+json",
      body: [{ op: "remove", path: "/metadata/finalizers/0" }],
    },
    {
      call: `PATCH ${BASE}/f/status?fieldManager=fleet&force=true`,
      type: "application/apply-patch+yaml",
      body: { ...object, apiVersion: "gamefleet.dev/v1alpha1", kind: "Fleet" },
    },
    { call: `PATCH ${BASE}/f/scale`, type: "application/merge-patch+json", body: { spec: { replicas: 3 } } },
  ]);
});

test("deletion sends only the preconditions it was given", async () => {
  await fleets().delete(ref, { uid: "u", gracePeriodSeconds: 5, propagation: "Foreground" });
  await fleets().delete(ref);
  const options = { apiVersion: "v1", kind: "DeleteOptions" };
  expect(asked().map(({ body }) => body)).toEqual([
    { ...options, gracePeriodSeconds: 5, propagationPolicy: "Foreground", preconditions: { uid: "u" } },
    options,
  ]);
});

const page = (names: readonly string[], token?: string) =>
  json(200, {
    metadata: { resourceVersion: "7", ...(token && { continue: token }) },
    items: names.map((name) => ({ metadata: { name } })),
  });

test("a list follows its pages and names the items' kind", async () => {
  server.answer = sequence(page(["a", "b"], "next"), page(["c"]));
  const { items, resourceVersion } = await fleets().list({
    namespace: "ns",
    labelSelector: "x=y",
    pageSize: 2,
  });
  expect(resourceVersion).toBe("7");
  expect(items.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    "Fleet a",
    "Fleet b",
    "Fleet c",
  ]);
  expect(asked().map(({ call }) => call)).toEqual([
    `GET ${BASE}?limit=2&labelSelector=x%3Dy`,
    `GET ${BASE}?limit=2&continue=next&labelSelector=x%3Dy`,
  ]);
});

test("a list whose version expires between pages starts again in one piece", async () => {
  server.answer = sequence(page(["a"], "next"), json(410, { reason: "Expired" }), page(["a", "b", "c"]));
  const { items } = await fleets().list();
  expect(items.map(({ metadata }) => metadata.name)).toEqual(["a", "b", "c"]);
  expect(server.asked.at(-1)?.url.search).toBe("");
});

test("an expiry on the first page is the caller's to know", async () => {
  server.answer = json(410, { reason: "Expired" });
  await expect(fleets().list()).rejects.toMatchObject({ status: 410 });
});

test("a watch asks for bookmarks and yields events", async () => {
  server.answer = (_, response) =>
    void response.end('{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"8"}}}\n');
  const events = await fleets().watch({
    resourceVersion: "7",
    timeoutSeconds: 290,
    fieldSelector: "metadata.name=a",
  });
  expect(await Array.fromAsync(events)).toHaveLength(1);
  expect(server.asked[0]?.url.searchParams.toString()).toBe(
    "watch=true&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=290&fieldSelector=metadata.name%3Da",
  );
});
