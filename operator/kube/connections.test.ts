import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Connections } from "./connections.ts";
import type { Credentials } from "./credentials.ts";
import { json, startServer, type TestServer } from "./testing/server.ts";

let server: TestServer;
let credentials: Credentials;
let reads: number;
let connections: Connections;

beforeEach(async () => {
  server = await startServer();
  credentials = { origin: server.origin, basePath: "", headers: { authorization: "Bearer one" }, tls: {} };
  reads = 0;
  connections = new Connections(() => {
    reads += 1;
    return Promise.resolve(credentials);
  });
  vi.useFakeTimers({ toFake: ["performance"] });
});

afterEach(async () => {
  vi.useRealTimers();
  await connections.close();
  await server.close();
});

test("credentials are read once for a while, then again", async () => {
  await Promise.all([connections.line("main"), connections.line("watch"), connections.line("lease")]);
  expect(reads).toBe(1);
  credentials = { ...credentials, headers: { authorization: "Bearer two" } };
  vi.advanceTimersByTime(10_001);
  expect((await connections.line("main")).credentials.headers).toEqual({ authorization: "Bearer two" });
  expect(reads).toBe(2);
});

test("a refusal has them read at once", async () => {
  await connections.line("main");
  connections.distrust();
  await connections.line("main");
  expect(reads).toBe(2);
});

test("a source that fails once is asked again", async () => {
  let broken = true;
  const flaky = new Connections(() =>
    broken ? Promise.reject(new Error("no token yet")) : Promise.resolve(credentials),
  );
  await expect(flaky.line("main")).rejects.toThrow("no token yet");
  broken = false;
  await expect(flaky.line("main")).resolves.toBeDefined();
  await flaky.close();
});

test("pools are kept apart, and kept", async () => {
  const main = await connections.line("main");
  expect((await connections.line("main")).dispatcher).toBe(main.dispatcher);
  expect((await connections.line("lease")).dispatcher).not.toBe(main.dispatcher);
});

test("a new CA gets new connections; a call under way ends on the old ones", async () => {
  const gate = Promise.withResolvers<void>();
  server.answer = async (asked, response) => {
    await gate.promise;
    await json(200, { ok: true })(asked, response);
  };
  const before = await connections.line("main");
  const call = before.dispatcher.request({ origin: server.origin, path: "/slow", method: "GET" });
  credentials = { ...credentials, tls: { ca: "new" } };
  connections.distrust();
  const after = await connections.line("main");
  expect(after.dispatcher).not.toBe(before.dispatcher);
  gate.resolve();
  const answer = await call;
  expect(await answer.body.json()).toEqual({ ok: true });
});
