import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { fail } from "./errors.ts";
import { createHttpServer, type HttpOptions, type TypedServer, toProblem } from "./http.ts";
import { createLog } from "./log.ts";
import { counter, createRegistry } from "./metrics.ts";

const servers: TypedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const lines: string[] = [];
const log = createLog({
  name: "test",
  level: "info",
  destination: { write: (line) => void lines.push(line) },
});

/** A server with a route for each thing that can go wrong. */
async function serve(options: Partial<HttpOptions> = {}): Promise<TypedServer> {
  lines.length = 0;
  const registry = createRegistry();
  counter(registry, "gamefleet_test_total", "Counts for this test").inc(3);
  const server = await createHttpServer({ name: "test api", version: "1.2.3", log, registry, ...options });
  servers.push(server);
  server.post(
    "/places/:zone",
    {
      schema: {
        params: z.object({ zone: z.string().max(8) }),
        querystring: z.object({ limit: z.coerce.number().int().max(10).optional() }),
        body: z.object({ player: z.string().min(3), party: z.object({ size: z.int().min(1) }).optional() }),
        response: { 200: z.object({ seat: z.string() }) },
      },
    },
    (request) => ({ seat: `${request.params.zone}/${request.body.player}`, hidden: "inside" }),
  );
  server.get("/full", () => {
    throw fail("ZONE_FULL", "zone sol holds 50 of 50", {
      retryAfterSeconds: 1.2,
      fields: { zone: "must have room" },
    });
  });
  server.get("/typed", { schema: { response: { 200: z.object({ seat: z.string() }) } } }, () => {
    throw fail("FLEET_FULL", "no place");
  });
  server.get("/bug", () => {
    throw new TypeError("password t0p of db.internal is undefined");
  });
  server.get("/thrown", () => Promise.reject("just a text"));
  server.get("/lies", { schema: { response: { 200: z.object({ seat: z.string() }) } } }, () =>
    Promise.resolve({ seat: 5 } as unknown as { seat: string }),
  );
  return server;
}

const json = { "content-type": "application/json" };

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly type: string;
  readonly title: string;
  readonly requestId: string;
  readonly fields?: Readonly<Record<string, string>>;
}

function problemOf(answer: {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}): Problem {
  expect(String(answer.headers["content-type"])).toMatch(/^application\/problem\+json/);
  const problem = JSON.parse(answer.body) as Problem;
  expect(problem.status).toBe(answer.statusCode);
  expect(problem.type).toBe(
    `https://gamefleet.dev/errors/${problem.code.toLowerCase().replaceAll("_", "-")}`,
  );
  expect(problem.title).not.toBe("");
  expect(problem.requestId).not.toBe("");
  return problem;
}

describe("a good request", () => {
  it("is answered with what the schema names, and no more", async () => {
    const server = await serve();
    const answer = await server.inject({ method: "POST", url: "/places/sol", payload: { player: "ada" } });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ seat: "sol/ada" });
  });
});

describe("a bad request", () => {
  it.each([
    ["a missing field", { payload: {} }, "player"],
    ["a wrong type", { payload: { player: 5 } }, "player"],
    ["a field that is too short", { payload: { player: "a" } }, "player"],
    ["a bad field deep inside", { payload: { player: "ada", party: { size: 0 } } }, "party.size"],
    ["a body that is no object", { payload: "[]", headers: json }, "body"],
    ["no body", {}, "body"],
    ["a bad query", { payload: { player: "ada" }, query: { limit: "11" } }, "limit"],
  ])("with %s is refused, naming it", async (_what, request, field) => {
    const server = await serve();
    const answer = await server.inject({ method: "POST", url: "/places/sol", ...request });
    const problem = problemOf(answer);
    expect(problem).toMatchObject({ status: 400, code: "REQUEST_INVALID" });
    expect(Object.keys(problem.fields ?? {})).toEqual([field]);
    expect(problem.detail).toContain(field);
  });

  it("with a bad parameter in its path is refused, naming it", async () => {
    const server = await serve();
    const url = "/places/too-long-a-name";
    const problem = problemOf(await server.inject({ method: "POST", url, payload: { player: "ada" } }));
    expect(problem).toMatchObject({ code: "REQUEST_INVALID", fields: { zone: expect.any(String) } });
  });

  it("names all bad fields together", async () => {
    const server = await serve();
    const payload = { player: "a", party: { size: 0 } };
    const problem = problemOf(await server.inject({ method: "POST", url: "/places/sol", payload }));
    expect(Object.keys(problem.fields ?? {}).sort()).toEqual(["party.size", "player"]);
  });

  it.each([
    ["broken JSON", '{"player":', json, 400, "REQUEST_INVALID"],
    ["an empty body", "", json, 400, "REQUEST_INVALID"],
    ["a prototype in its JSON", '{"__proto__":{"a":1},"player":"ada"}', json, 400, "REQUEST_INVALID"],
    ["another media type", "<player/>", { "content-type": "text/xml" }, 415, "MEDIA_TYPE_UNSUPPORTED"],
    ["a media type that is none", "x", { "content-type": "nonsense" }, 415, "MEDIA_TYPE_UNSUPPORTED"],
    ["too large a body", JSON.stringify({ player: "x".repeat(70_000) }), json, 413, "BODY_TOO_LARGE"],
  ] as const)("with %s is refused", async (_what, payload, headers, status, code) => {
    const server = await serve();
    const answer = await server.inject({ method: "POST", url: "/places/sol", payload, headers });
    expect(problemOf(answer)).toMatchObject({ status, code });
  });

  it("for no route is told so", async () => {
    const server = await serve();
    expect(problemOf(await server.inject({ method: "GET", url: "/nowhere" }))).toMatchObject({
      status: 404,
      code: "ROUTE_NOT_FOUND",
      detail: "no route GET /nowhere",
    });
    const wrongMethod = await server.inject({ method: "DELETE", url: "/full" });
    expect(problemOf(wrongMethod)).toMatchObject({ code: "ROUTE_NOT_FOUND" });
  });

  it("with a path that is not UTF-8 is refused", async () => {
    const server = await serve();
    const answer = await server.inject({ method: "GET", url: "/%E0%A4%A" });
    expect(problemOf(answer)).toMatchObject({ status: 400, code: "REQUEST_INVALID" });
  });

  it("that is no HTTP is not logged as a bug", async () => {
    const server = await serve();
    await server.inject({ method: "POST", url: "/places/sol", payload: "{", headers: json });
    expect(lines).toEqual([]);
  });

  it("over a real connection is answered the same", async () => {
    const server = await serve({ bodyLimit: 100 });
    const base = await server.listen({ host: "127.0.0.1", port: 0 });
    const body = JSON.stringify({ player: "x".repeat(200) });
    const answer = await fetch(`${base}/places/sol`, { method: "POST", headers: json, body });
    const headers = Object.fromEntries(answer.headers);
    const problem = problemOf({ statusCode: answer.status, headers, body: await answer.text() });
    expect(problem.code).toBe("BODY_TOO_LARGE");
  });
});

describe("an error on purpose", () => {
  it("is answered with its code, fields and wait in whole seconds", async () => {
    const server = await serve();
    const answer = await server.inject({ method: "GET", url: "/full" });
    expect(answer.headers["retry-after"]).toBe("2");
    expect(problemOf(answer)).toMatchObject({
      status: 503,
      code: "ZONE_FULL",
      title: "No place in the zone",
      detail: "zone sol holds 50 of 50",
      fields: { zone: "must have room" },
    });
  });

  it("is not squeezed into the schema of the route's success", async () => {
    const server = await serve();
    expect(problemOf(await server.inject({ method: "GET", url: "/typed" })).code).toBe("FLEET_FULL");
  });
});

describe("a bug", () => {
  it.each(["/bug", "/thrown", "/lies"])(
    "at %s answers 500 INTERNAL, says nothing of its insides, and is logged",
    async (url) => {
      const server = await serve();
      const answer = await server.inject({ method: "GET", url });
      const problem = problemOf(answer);
      expect(problem).toMatchObject({ status: 500, code: "INTERNAL" });
      expect(answer.body).not.toMatch(/t0p|TypeError|undefined|just a text|seat|stack|\.ts/);
      expect(lines).toHaveLength(1);
      expect(JSON.parse(lines[0] ?? "")).toMatchObject({
        level: "error",
        msg: "request failed by a bug",
        route: url,
        reqId: problem.requestId,
      });
    },
  );
});

describe("toProblem", () => {
  it("keeps an error of ours, and takes 429 of a plugin for RATE_LIMITED", () => {
    const ours = fail("FENCED", "moved on");
    expect(toProblem(ours)).toEqual([ours, false]);
    const [limited, bug] = toProblem(Object.assign(new Error("slow"), { statusCode: 429 }));
    expect([limited.code, bug]).toEqual(["RATE_LIMITED", false]);
  });

  it.each([undefined, null, 0, "", "text", {}, []])("takes %j, thrown, for a bug", (thrown) => {
    const [error, bug] = toProblem(thrown);
    expect([error.code, bug]).toEqual(["INTERNAL", true]);
    expect(error.cause).toBe(thrown);
  });
});

describe("probes", () => {
  it("are ok when nobody objects, and say what is wrong otherwise", async () => {
    let problem: string | undefined;
    const server = await serve({ ready: () => problem, healthy: () => undefined });
    const get = async (url: string) => {
      const { statusCode, body } = await server.inject({ method: "GET", url });
      return [statusCode, body];
    };
    expect(await get("/readyz")).toEqual([200, "ok"]);
    problem = "away: redis";
    expect(await get("/readyz")).toEqual([503, "away: redis"]);
    expect(await get("/healthz")).toEqual([200, "ok"]);
  });

  it("without checks are ok", async () => {
    const server = await serve();
    for (const url of ["/readyz", "/healthz"]) {
      expect((await server.inject({ method: "GET", url })).statusCode).toBe(200);
    }
  });
});

it("/metrics is the registry in Prometheus' text format", async () => {
  const server = await serve();
  const answer = await server.inject({ method: "GET", url: "/metrics" });
  expect(answer.headers["content-type"]).toMatch(/^text\/plain/);
  expect(answer.body).toContain("# TYPE gamefleet_test_total counter\ngamefleet_test_total 3\n");
});

it("/openapi.json tells of the routes, not of probes", async () => {
  const server = await serve();
  const spec = (await server.inject({ method: "GET", url: "/openapi.json" })).json<{
    readonly openapi: string;
    readonly info: object;
    readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
  }>();
  expect(spec.openapi).toMatch(/^3\./);
  expect(spec.info).toEqual({ title: "test api", version: "1.2.3" });
  expect(Object.keys(spec.paths)).toContain("/places/{zone}");
  for (const hidden of ["/healthz", "/readyz", "/metrics", "/openapi.json"]) {
    expect(spec.paths).not.toHaveProperty([hidden]);
  }
  expect(spec.paths["/places/{zone}"]?.post).toMatchObject({
    parameters: expect.arrayContaining([expect.objectContaining({ in: "path", name: "zone" })]),
    requestBody: { content: { "application/json": { schema: { required: ["player"] } } } },
  });
});
