/** The allocator over real stores, through its HTTP API. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { decodeJwt, importJWK, jwtVerify } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../platform/ids.ts";
import { silentLog } from "../../platform/log.ts";
import { MIGRATIONS } from "../../platform/ownership/migrations.ts";
import { listZones } from "../../platform/ownership/ownership.ts";
import { createPool, migrate, type Pool } from "../../platform/postgres.ts";
import { keys, type LoadSample, PublishedKey } from "../../protocol/directory.ts";
import { TicketClaims } from "../../protocol/ticket.ts";
import { freshDatabase, freshRedis, redisUrl } from "../../test/stores/fixtures.ts";
import { type RunningAllocator, startAllocator } from "./allocator.ts";
import { readAllocatorConfig } from "./config.ts";
import type { Allocation } from "./schemas.ts";
import { FLEET, layOut, type ServerOptions } from "./testing.ts";

const TOKEN = "a-service-token-for-tests";
const folder = mkdtempSync(join(tmpdir(), "gamefleet-tokens-"));
let redis: Redis;
let pool: Pool;
let allocator: RunningAllocator;
let second: RunningAllocator;

beforeAll(async () => {
  redis = await freshRedis();
  const url = await freshDatabase();
  await migrate(url, MIGRATIONS, "ownership", silentLog());
  pool = createPool({ url, name: "test", log: silentLog() });
  writeFileSync(join(folder, "matchmaker"), `${TOKEN}\n`);
  const config = readAllocatorConfig({
    GAMEFLEET_REDIS_URL: redisUrl(),
    GAMEFLEET_DATABASE_URL: url,
    GAMEFLEET_SERVICE_TOKENS_DIR: folder,
    GAMEFLEET_ALLOCATOR_PORT: "0",
    GAMEFLEET_ALLOCATOR_HOST: "127.0.0.1",
    GAMEFLEET_RATE_PER_ADDRESS: "10",
  });
  allocator = await startAllocator(config, "0.0.0", silentLog());
  second = await startAllocator(config, "0.0.0", silentLog());
  for (const { url: base } of [allocator, second]) await ready(base);
});
afterAll(async () => {
  await allocator.close();
  await second.close();
  redis.disconnect();
  await pool.end();
  rmSync(folder, { recursive: true });
});

async function ready(base: string): Promise<void> {
  while (!(await fetch(`${base}/readyz`)).ok) await new Promise((resolve) => setTimeout(resolve, 20));
}

const world = (servers: Record<string, ServerOptions> = { a: {}, b: {} }) => layOut(redis, pool, servers);

async function post(path: string, body: unknown, base = allocator.url, token: string | null = TOKEN) {
  const answer = await fetch(`${base}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return {
    status: answer.status,
    headers: answer.headers,
    body: (await answer.json()) as Record<string, unknown>,
  };
}
const ask = (over: Record<string, unknown> = {}, base?: string) =>
  post("/v1/allocations", { fleet: "lane", players: ["p1"], ...over }, base);
const allocated = async (over: Record<string, unknown> = {}, base?: string): Promise<Allocation> => {
  const answer = await ask(over, base);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body as unknown as Allocation;
};
/** What the first ticket of an answer says. */
const claimsOf = (body: unknown) => decodeJwt((body as Allocation).sessions[0]?.ticket ?? "");

describe("a place", () => {
  beforeEach(() => world());

  it("comes with a ticket that a pod can check against the published keys", async () => {
    const answer = await allocated({ zone: "zone-b" });
    expect(answer).toMatchObject({ server: "b", zone: "zone-b", address: "127.0.0.1", port: 7001 });
    const [seat] = answer.sessions;
    const jwks = Object.values(await redis.hgetall(keys.jwks())).map((text) =>
      PublishedKey.parse(JSON.parse(text)),
    );
    const checked = await jwtVerify(
      seat?.ticket ?? "",
      async ({ kid }) => importJWK(jwks.find((key) => key.kid === kid) ?? {}, "EdDSA"),
      { audience: "default/b" },
    );
    const claims = TicketClaims.parse(checked.payload);
    expect(claims).toMatchObject({ sub: "p1", zone: "zone-b", fleet: FLEET, sid: seat?.session });
    expect(claims.rh).toBe(sha256(seat?.resumeToken ?? ""));
    expect(claims.exp - claims.iat).toBe(30);
  });

  it("keeps a party in one zone, or refuses it whole", async () => {
    const players = Array.from({ length: 8 }, (_, n) => `m${n}`);
    const party = await allocated({ players, party: "wolves" });
    expect(party.sessions).toHaveLength(8);
    const tooMany = await ask({ players, zone: party.zone });
    expect(tooMany).toMatchObject({ status: 503, body: { code: "ZONE_FULL" } });
    expect(Number(tooMany.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  it("is given once, however many ask two allocators at once", async () => {
    const tries = Array.from({ length: 40 }, (_, n) =>
      ask({ players: [`p${n}`], zone: "zone-a" }, n % 2 === 0 ? allocator.url : second.url),
    );
    const answers = await Promise.all(tries);
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(10);
    expect(await redis.zcard(keys.zoneSeats(FLEET, "zone-a"))).toBe(10);
    const tickets = answers
      .flatMap((answer) => (answer.body as unknown as Allocation).sessions ?? [])
      .map((s) => s.ticket);
    expect(new Set(tickets).size).toBe(10);
  });

  it("never fills a server beyond its capacity, by whatever zones", async () => {
    const tries = Array.from({ length: 60 }, (_, n) =>
      ask({ players: [`p${n}`] }, n % 2 === 0 ? allocator.url : second.url),
    );
    const good = (await Promise.all(tries)).filter((answer) => answer.status === 200);
    expect(good.length).toBeGreaterThan(20);
    for (const name of ["a", "b"])
      expect(await redis.zcard(keys.serverSeats(FLEET, name))).toBeLessThanOrEqual(20);
  });

  it("in a new zone when none has room, made once for all that ask together", async () => {
    // A server of its own: zones made on the others a moment ago may still have places.
    await world({ fresh: { sample: { zones: [] } } });
    const answers = await Promise.all(Array.from({ length: 3 }, (_, n) => allocated({ players: [`p${n}`] })));
    expect(new Set(answers.map((answer) => answer.zone)).size).toBe(1);
    const rows = await listZones(pool, FLEET);
    expect(rows).toMatchObject([
      { id: answers[0]?.zone, kind: "on-demand", owner: "default/fresh", epoch: 1, capacity: 5 },
    ]);
  });

  it("is not given on a server that drains, is silent, or lives another life", async () => {
    await world({
      a: { entry: { state: "Draining" } },
      b: { sample: { state: "Draining" } },
      c: { entry: { life: "next" } },
    });
    expect(await ask()).toMatchObject({ status: 503, body: { code: "FLEET_FULL" } });
    expect(await ask({ zone: "zone-a" })).toMatchObject({ status: 503, body: { code: "ZONE_UNPLACED" } });
  });
});

describe("a repeated request", () => {
  beforeEach(() => world());

  it("gets the answer of the first, from any replica", async () => {
    const request = { requestKey: "match-000017" };
    const first = await allocated(request);
    expect(await allocated(request, second.url)).toEqual(first);
    expect(await redis.zcard(keys.serverSeats(FLEET, first.server))).toBe(1);
  });

  it("with other parameters is a conflict", async () => {
    await allocated({ requestKey: "match-000018" });
    expect(await ask({ requestKey: "match-000018", players: ["p2"] })).toMatchObject({
      status: 409,
      body: { code: "IDEMPOTENCY_CONFLICT" },
    });
  });
});

describe("a session", () => {
  beforeEach(() => world());

  it("is found, resumed where its zone is now, and released", async () => {
    const { sessions, server, zone } = await allocated({ zone: "zone-a" });
    const [seat] = sessions;
    const path = `/v1/fleets/default/lane/sessions/${seat?.session}`;
    const headers = { authorization: `Bearer ${TOKEN}` };
    const found = await (await fetch(`${allocator.url}${path}`, { headers })).json();
    expect(found).toMatchObject({ player: "p1", server, zone, state: "Ready" });
    // Its server dies, the zone is served by the other one.
    await redis.del(keys.load("default/a"));
    await redis.hdel(keys.roster(FLEET), "a");
    const moved = JSON.parse((await redis.get(keys.load("default/b"))) ?? "") as LoadSample;
    moved.zones.push({ id: "zone-a", kind: "fixed", epoch: 2, sessions: 0, capacity: 10, open: true });
    await redis.set(keys.load("default/b"), JSON.stringify(moved));
    await new Promise((resolve) => setTimeout(resolve, 700));
    const resumed = await post(
      "/v1/sessions/resume",
      { fleet: "lane", resumeToken: seat?.resumeToken },
      second.url,
      null,
    );
    expect(resumed).toMatchObject({
      status: 200,
      body: { server: "b", zone: "zone-a", sessions: [{ session: seat?.session }] },
    });
    // It was given a place and never came: to a pod that lets nobody new in it is new.
    expect(claimsOf(resumed.body)).not.toHaveProperty("back");
    expect((await fetch(`${allocator.url}${path}`, { headers, method: "DELETE" })).status).toBe(204);
    expect((await fetch(`${allocator.url}${path}`, { headers })).status).toBe(404);
    expect(await redis.zcard(keys.zoneSeats(FLEET, "zone-a"))).toBe(0);
  });

  it("that a pod has let in comes back, and stays one that does", async () => {
    const [seat] = (await allocated({ zone: "zone-a" })).sessions;
    const key = keys.session(FLEET, seat?.session ?? "");
    await redis.set(key, JSON.stringify({ ...JSON.parse((await redis.get(key)) ?? "{}"), played: true }));
    const again = () =>
      post("/v1/sessions/resume", { fleet: "lane", resumeToken: seat?.resumeToken }, allocator.url, null);
    for (const { body } of [await again(), await again()])
      expect(claimsOf(body)).toMatchObject({ back: true });
  });

  it("is resumed only with its own secret, and nobody learns which sessions exist", async () => {
    const { sessions } = await allocated();
    const wrong = `${sessions[0]?.session}.${"x".repeat(22)}`;
    const unknown = `${"0".repeat(8)}-0000-7000-8000-${"0".repeat(12)}.${"x".repeat(22)}`;
    const answers = await Promise.all(
      [wrong, unknown].map((resumeToken) =>
        post("/v1/sessions/resume", { fleet: "lane", resumeToken }, allocator.url, null),
      ),
    );
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 401, body: { code: "RESUME_REFUSED" } });
    expect(answers[0]?.body.detail).toBe(answers[1]?.body.detail);
  });
});

describe("bad input gets its field, what to do, and a stable code", () => {
  beforeAll(() => world());
  const cases: readonly [string, unknown, number, string, string][] = [
    ["no players", { fleet: "lane", players: [] }, 400, "REQUEST_INVALID", "players"],
    ["a player twice", { fleet: "lane", players: ["a", "a"] }, 400, "REQUEST_INVALID", "twice"],
    ["an unknown field", { fleet: "lane", players: ["a"], zones: "x" }, 400, "REQUEST_INVALID", "zones"],
    ["a fleet's name that cannot be", { fleet: "La/ne", players: ["a"] }, 400, "REQUEST_INVALID", "fleet"],
    ["no such fleet", { fleet: "nope", players: ["a"] }, 404, "FLEET_NOT_FOUND", "default/nope"],
    ["no such zone", { fleet: "lane", players: ["a"], zone: "nope" }, 404, "ZONE_NOT_FOUND", "nope"],
    ["no JSON", "{", 400, "REQUEST_INVALID", "JSON"],
    ["a body too large", { fleet: "lane", players: ["a".repeat(70_000)] }, 413, "BODY_TOO_LARGE", "large"],
  ];

  it.each(cases)("%s", async (_what, body, status, code, word) => {
    const answer = await post("/v1/allocations", body);
    expect(answer).toMatchObject({ status, body: { code } });
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
    expect(String(answer.body.detail)).toContain(word);
  });

  it("wrong or missing credentials", async () => {
    for (const token of [null, "wrong-token-of-some-length"]) {
      const answer = await post("/v1/allocations", { fleet: "lane", players: ["a"] }, allocator.url, token);
      expect(answer).toMatchObject({ status: 401, body: { code: "UNAUTHENTICATED" } });
    }
  });

  it("too many resumes from one address", async () => {
    const flood = Array.from({ length: 80 }, () =>
      post("/v1/sessions/resume", { fleet: "lane", resumeToken: "x" }, allocator.url, null),
    );
    const answers = await Promise.all(flood);
    expect(answers.filter((answer) => answer.body.code === "RATE_LIMITED").length).toBeGreaterThan(0);
  });
});

it("describes itself", async () => {
  const api = (await (await fetch(`${allocator.url}/openapi.json`)).json()) as {
    openapi: string;
    paths: object;
  };
  expect(api.openapi).toMatch(/^3\./);
  expect(Object.keys(api.paths)).toContain("/v1/allocations");
  const metrics = await (await fetch(`${allocator.url}/metrics`)).text();
  expect(metrics).toContain('gamefleet_allocations_total{result="allocated"}');
});
