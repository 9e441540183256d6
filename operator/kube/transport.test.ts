import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fail, hasCode } from "../../platform/errors.ts";
import { createRegistry } from "../../platform/metrics.ts";
import { ApiError, isConflict, isThrottled } from "./errors.ts";
import { json, reset, sequence, silence, startServer, type TestServer } from "./testing/server.ts";
import { createTransport, guarded, type KubeRequest } from "./transport.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.close());

const get: KubeRequest = { method: "GET", path: "/x" };
const post: KubeRequest = { method: "POST", path: "/x", body: { a: 1 } };
const put: KubeRequest = { method: "PUT", path: "/x", body: { a: 1 } };

const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

test("sends query, body, media type and user agent; leaves out what is undefined", async () => {
  server.answer = json(200, { ok: true });
  const request: KubeRequest = {
    method: "PATCH",
    path: "/x",
    query: { force: true, limit: 5, continue: undefined },
    body: { keep: 1, drop: undefined, clear: null },
    contentType: "application/merge-patch+json",
  };
  expect(await server.transport.request(request)).toEqual({ ok: true });
  const [asked] = server.asked;
  expect(asked?.url.search).toBe("?force=true&limit=5");
  expect(asked?.body).toBe('{"keep":1,"clear":null}');
  expect(asked?.headers["content-type"]).toBe("application/merge-patch+json");
  expect(asked?.headers["user-agent"]).toBe("gamefleet");
});

test("calls one after another share one connection", async () => {
  for (let call = 0; call < 20; call += 1) await server.transport.request(call % 2 === 0 ? get : put);
  // Two, when the pool had not noticed yet that the first was free again.
  expect(server.connections).toBeLessThanOrEqual(2);
});

test("bridges a throttled call and a server error on an idempotent verb", async () => {
  server.answer = sequence(json(429, {}), json(503, {}), json(200, { at: "last" }));
  expect(await server.transport.request(put)).toEqual({ at: "last" });
  expect(server.asked).toHaveLength(3);
});

test("never sends a create twice after an answer or a reset left it open what happened", async () => {
  server.answer = reset;
  expect(await thrownBy(server.transport.request(post))).toMatchObject({
    status: 0,
    reason: "ConnectionFailed",
  });
  server.answer = json(500, {});
  expect(await thrownBy(server.transport.request(post))).toMatchObject({ status: 500 });
  expect(server.asked).toHaveLength(2);
});

test("does not retry for a caller with a loop of its own", async () => {
  server.answer = json(429, { reason: "TooManyRequests" }, { "retry-after": "1" });
  const error = await thrownBy(server.transport.request({ ...get, retry: false }));
  expect(isThrottled(error) && error.retryAfterSeconds).toBe(1);
  expect(server.asked).toHaveLength(1);
});

test("a server that never answers ends in TIMEOUT, and its connection is not used again", async () => {
  server.answer = silence;
  expect(hasCode(await thrownBy(server.transport.request({ ...get, timeoutMs: 30 })), "TIMEOUT")).toBe(true);
  server.answer = json(200, { alive: true });
  expect(await server.transport.request(get)).toEqual({ alive: true });
  expect(server.connections).toBe(2);
});

test("a body that stops half-way ends in TIMEOUT too", async () => {
  server.answer = (_, response) => void response.writeHead(200).write('{"half":');
  expect(hasCode(await thrownBy(server.transport.request({ ...get, timeoutMs: 50 })), "TIMEOUT")).toBe(true);
});

test("an abort by the caller is ABORTED, at once, and leaves no listener behind", async () => {
  server.answer = silence;
  const caller = new AbortController();
  const call = thrownBy(server.transport.request({ ...get, signal: caller.signal }));
  await expect.poll(() => server.asked.length).toBe(1);
  caller.abort();
  expect(hasCode(await call, "ABORTED")).toBe(true);
  expect(
    hasCode(await thrownBy(server.transport.request({ ...get, signal: caller.signal })), "ABORTED"),
  ).toBe(true);
  expect(server.asked).toHaveLength(1);
});

test("an answer that is no JSON is an error, not undefined", async () => {
  server.answer = (_, response) => void response.end("<html>");
  const error = await thrownBy(server.transport.request({ ...get, retry: false }));
  expect(error).toBeInstanceOf(ApiError);
  expect(String(error)).toContain("not JSON");
});

test("no more than the given writes are in flight; reads and the lease pass them", async () => {
  const gate = Promise.withResolvers<void>();
  let writing = 0;
  let most = 0;
  server.answer = async ({ method, url }, response) => {
    if (method === "PUT" && url.pathname === "/x") {
      writing += 1;
      most = Math.max(most, writing);
      await gate.promise;
      writing -= 1;
    }
    response.end("{}");
  };
  const credentials = () => Promise.resolve({ origin: server.origin, basePath: "", headers: {}, tls: {} });
  const transport = createTransport({ credentials, registry: createRegistry(), maxWritesInFlight: 2 });
  const writes = Array.from({ length: 6 }, () => transport.request(put));
  await expect.poll(() => writing).toBe(2);
  await transport.request(get);
  await transport.request({ ...put, path: "/lease", pool: "lease" });
  expect(most).toBe(2);
  gate.resolve();
  await Promise.all(writes);
  expect(most).toBe(2);
  await transport.close();
});

test("a guard refuses a write before its first byte, and lets reads pass", async () => {
  let leading = true;
  const transport = guarded(server.transport, () => {
    if (!leading) throw fail("LEADERSHIP_LOST", "paused");
  });
  await transport.request(put);
  leading = false;
  expect(hasCode(await thrownBy(transport.request(put)), "LEADERSHIP_LOST")).toBe(true);
  await transport.request(get);
  expect(server.asked.map(({ method }) => method)).toEqual(["PUT", "GET"]);
  expect(server.connections).toBeLessThanOrEqual(2);
});

test("the guard is asked when the socket is ready, not when the call is made", async () => {
  // The one place in flight is taken; the second write waits for it while leadership is lost.
  const gate = Promise.withResolvers<void>();
  server.answer = async (_, response) => {
    await gate.promise;
    response.end("{}");
  };
  const credentials = () => Promise.resolve({ origin: server.origin, basePath: "", headers: {}, tls: {} });
  const plain = createTransport({ credentials, registry: createRegistry(), maxWritesInFlight: 1 });
  let leading = true;
  const transport = guarded(plain, () => {
    if (!leading) throw fail("LEADERSHIP_LOST", "paused");
  });
  const first = transport.request(put);
  const second = thrownBy(transport.request(put));
  await expect.poll(() => server.asked.length).toBe(1);
  leading = false;
  gate.resolve();
  await first;
  expect(hasCode(await second, "LEADERSHIP_LOST")).toBe(true);
  expect(server.asked).toHaveLength(1);
  await plain.close();
});

test("each retry is guarded anew", async () => {
  let checks = 0;
  const transport = guarded(server.transport, () => {
    checks += 1;
    if (checks > 1) throw fail("LEADERSHIP_LOST", "lost between two tries");
  });
  server.answer = json(503, {});
  expect(hasCode(await thrownBy(transport.request(put)), "LEADERSHIP_LOST")).toBe(true);
  expect(server.asked).toHaveLength(1);
});

test("a stream outlives the deadline of its head and ends with its signal", async () => {
  server.answer = (_, response) => void response.writeHead(200).write("one\n");
  const life = new AbortController();
  const stream = await server.transport.stream({
    ...get,
    pool: "watch",
    timeoutMs: 500,
    signal: life.signal,
  });
  const chunks = stream[Symbol.asyncIterator]();
  expect(Buffer.from((await chunks.next()).value ?? []).toString()).toBe("one\n");
  const [socket] = server.sockets;
  life.abort();
  expect(hasCode(await thrownBy(chunks.next()), "ABORTED")).toBe(true);
  // The connection goes with it: nothing is left open on the server.
  if (socket && !socket.closed) await once(socket, "close");
  expect(server.sockets.size).toBe(0);
});

test("a stream that is reset, or cut off before its end, is a failed connection", async () => {
  for (const end of [
    (response: ServerResponse) => response.socket?.resetAndDestroy(),
    (response: ServerResponse) => response.destroy(),
  ]) {
    server.answer = (_, response) => void response.writeHead(200).write("one\n", () => end(response));
    const stream = await server.transport.stream(get);
    expect(await thrownBy(Array.fromAsync(stream))).toMatchObject({ status: 0, reason: "ConnectionFailed" });
  }
});

test("a stream that is refused throws what the server said", async () => {
  server.answer = json(410, { reason: "Expired", message: "too old" });
  expect(await thrownBy(server.transport.stream(get))).toMatchObject({ status: 410, reason: "Expired" });
  server.answer = silence;
  expect(hasCode(await thrownBy(server.transport.stream({ ...get, timeoutMs: 30 })), "TIMEOUT")).toBe(true);
});

test("after a 401 the credentials are read again, so that a rotated token is used at once", async () => {
  let token = "old";
  const credentials = () =>
    Promise.resolve({ origin: server.origin, basePath: "/k8s", headers: { authorization: token }, tls: {} });
  const transport = createTransport({ credentials, registry: createRegistry() });
  await transport.request(get);
  token = "new";
  server.answer = json(401, { reason: "Unauthorized" });
  expect(await thrownBy(transport.request(get))).toMatchObject({ status: 401 });
  server.answer = json(200, {});
  await transport.request(get);
  expect(server.asked.map(({ headers, url }) => `${url.pathname} ${headers["authorization"]}`)).toEqual([
    "/k8s/x old",
    "/k8s/x old",
    "/k8s/x new",
  ]);
  await transport.close();
});

test("counts calls by result, as client-go does", async () => {
  await server.transport.request(get);
  server.answer = json(409, { reason: "Conflict" });
  expect(isConflict(await thrownBy(server.transport.request(put)))).toBe(true);
  server.answer = reset;
  await thrownBy(server.transport.request(post));
  const text = await server.registry.metrics();
  const { host } = new URL(server.origin);
  expect(text).toContain(`rest_client_requests_total{code="200",method="GET",host="${host}"} 1`);
  expect(text).toContain(`rest_client_requests_total{code="409",method="PUT",host="${host}"} 1`);
  expect(text).toContain(`rest_client_requests_total{code="<error>",method="POST",host="${host}"} 1`);
  expect(text).toContain(`rest_client_request_duration_seconds_count{verb="GET",host="${host}"} 1`);
});
