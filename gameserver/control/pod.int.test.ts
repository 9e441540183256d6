import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { sha256, uuidv7 } from "../../platform/ids.ts";
import { silentLog } from "../../platform/log.ts";
import { MIGRATIONS } from "../../platform/ownership/migrations.ts";
import {
  createZone,
  declareZone,
  listServers,
  listZones,
  place,
  register,
} from "../../platform/ownership/ownership.ts";
import { createPool, migrate, type Pool, query } from "../../platform/postgres.ts";
import type { Redis } from "../../platform/redis.ts";
import { CLOSE } from "../../protocol/close.ts";
import { keys, LoadSample, SessionRecord } from "../../protocol/directory.ts";
import { NOTICE } from "../../protocol/frames.ts";
import { freshDatabase, freshRedis, redisUrl } from "../../test/stores/fixtures.ts";
import { readGameserverConfig } from "../config.ts";
import { TestClient } from "../testing/client.ts";
import { type Pod, startPod } from "./pod.ts";

const FLEET = "default/arena";
const SERVER = "default/arena-1";
let databaseUrl: string;
let pool: Pool;
let redis: Redis;
let pod: Pod | undefined;
let secret: CryptoKey;
let jwk: JWK;

beforeAll(async () => {
  databaseUrl = await freshDatabase();
  await migrate(databaseUrl, MIGRATIONS, "ownership", silentLog());
  pool = createPool({ url: databaseUrl, name: "test", log: silentLog() });
  redis = await freshRedis();
  const pair = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  secret = pair.privateKey;
  jwk = await exportJWK(pair.publicKey);
});
beforeEach(async () => {
  await redis.flushall();
  const { kty, crv, x } = jwk;
  await redis.hset(
    keys.jwks(),
    "k1",
    JSON.stringify({ kty, crv, x, kid: "k1", expiresAt: Date.now() + 600_000 }),
  );
});
afterAll(async () => {
  redis.disconnect();
  await pool.end();
});
afterEach(async () => {
  await pod?.stop();
  pod = undefined;
  await query(pool, "DELETE FROM zone");
});

async function start(env: Record<string, string> = {}): Promise<Pod> {
  const config = readGameserverConfig({
    GAMEFLEET_FLEET: "arena",
    GAMEFLEET_SERVER: "arena-1",
    GAMEFLEET_LIFE: "life-1",
    GAMEFLEET_GAME: fileURLToPath(new URL("../testing/arena-game.ts", import.meta.url)),
    GAMEFLEET_HOST: "127.0.0.1",
    GAMEFLEET_PORT: "0",
    GAMEFLEET_ADMIN_PORT: "0",
    GAMEFLEET_IO_THREADS: "1",
    GAMEFLEET_CAPACITY_SESSIONS: "10",
    GAMEFLEET_REDIS_URL: redisUrl(),
    GAMEFLEET_DATABASE_URL: databaseUrl,
    ...env,
  });
  pod = await startPod(config, silentLog(), () => {});
  await vi.waitFor(async () => expect(await probe("readyz")).toBe("ok"), { timeout: 10_000 });
  return pod;
}

const probe = async (path: string) => (await fetch(`http://127.0.0.1:${pod?.adminPort}/${path}`)).text();
const sample = async () => LoadSample.parse(JSON.parse((await redis.get(keys.load(SERVER))) ?? "{}"));
const until = (what: () => Promise<void>) => vi.waitFor(what, { timeout: 10_000, interval: 50 });

interface Given {
  readonly sid?: string;
  readonly zone?: string;
  readonly aud?: string;
  readonly exp?: number;
  readonly rh?: string;
}
async function ticket(given: Given = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { zone: "sol", aud: SERVER, exp: now + 30, sid: uuidv7(), rh: sha256("r"), ...given };
  return new SignJWT({ iss: "gamefleet", jti: randomUUID(), sub: "ada", iat: now, fleet: FLEET, ...claims })
    .setProtectedHeader({ alg: "EdDSA", kid: "k1" })
    .sign(secret);
}

async function serveSol(): Promise<Pod> {
  await register(pool, SERVER, FLEET, "life-1");
  await declareZone(pool, FLEET, "sol", "fixed", 4);
  await place(pool, { fleet: FLEET, zone: "sol", epoch: 0, owner: SERVER, ownerLife: "life-1" });
  return start();
}

const join = async (given?: Given) => TestClient.join(pod?.playerPort ?? 0, await ticket(given));
const refusal = async (given: Given) => (await join(given)).closed();

describe("zones", () => {
  it("are those the store says; the sample tells of them", async () => {
    await serveSol();
    await until(async () => {
      expect(await sample()).toMatchObject({
        server: "arena-1",
        life: "life-1",
        state: "Ready",
        capacity: 10,
      });
      expect((await sample()).zones).toMatchObject([
        { id: "sol", kind: "fixed", epoch: 1, capacity: 4, open: true },
      ]);
    });
  });

  it("made a moment ago are found by the ticket that names them, and close when they stay empty", async () => {
    await start({ GAMEFLEET_EMPTY_ZONE_TIME: "1s" });
    const request = { fleet: FLEET, zone: "match", owner: SERVER, ownerLife: "life-1", capacity: 2 };
    await createZone(pool, request);
    const client = await join({ zone: "match" });
    expect(client.welcome).toMatchObject({ zone: "match", epoch: 1 });
    client.socket.send(Uint8Array.of(4));
    expect(await client.closed()).toBe(CLOSE.left);
    await until(async () => expect(await listZones(pool, FLEET)).toEqual([]));
    await until(async () => expect((await sample()).zones).toEqual([]));
  });

  it("that move away end their sessions resumably", async () => {
    await serveSol();
    const client = await join();
    await register(pool, "default/other", FLEET, "x");
    await place(pool, { fleet: FLEET, zone: "sol", epoch: 1, owner: "default/other", ownerLife: "x" });
    await redis.publish(keys.poke(SERVER), "zones");
    expect(await client.closed()).toBe(CLOSE.zoneMoved);
    expect(await refusal({})).toBe(CLOSE.zoneMoved);
  });
});

describe("a ticket", () => {
  it("is good once, here, in time, for this fleet's keys", async () => {
    await serveSol();
    const once = await ticket();
    const first = await TestClient.join(pod?.playerPort ?? 0, once);
    expect(first.welcome.resumed).toBe(false);
    const again = await TestClient.join(pod?.playerPort ?? 0, once);
    expect(await again.closed()).toBe(CLOSE.ticketInvalid);
    expect(await refusal({ aud: "default/other" })).toBe(CLOSE.ticketInvalid);
    expect(await refusal({ exp: Math.floor(Date.now() / 1_000) - 60 })).toBe(CLOSE.ticketInvalid);
    const forged = `${(await ticket()).slice(0, -6)}AAAAAA`;
    expect(await (await TestClient.join(pod?.playerPort ?? 0, forged)).closed()).toBe(CLOSE.ticketInvalid);
  });

  it("for a session that is here resumes it", async () => {
    await serveSol();
    const sid = uuidv7();
    const first = await join({ sid });
    first.socket.terminate();
    const again = await join({ sid });
    expect(again.welcome).toMatchObject({ resumed: true, entity: first.welcome.entity });
    expect(await redis.exists(keys.session(FLEET, sid))).toBe(1);
  });
});

describe("the directory", () => {
  it("knows who is here until they leave", async () => {
    await serveSol();
    const sid = uuidv7();
    const client = await join({ sid });
    const read = async () =>
      SessionRecord.parse(JSON.parse((await redis.get(keys.session(FLEET, sid))) ?? "{}"));
    await until(async () =>
      expect(await read()).toMatchObject({ player: "ada", zone: "sol", server: "arena-1" }),
    );
    const seats = [keys.zoneSeats(FLEET, "sol"), keys.serverSeats(FLEET, "arena-1")];
    for (const seat of seats)
      expect(Number(await redis.zscore(seat, sid))).toBeGreaterThan(Date.now() + 60_000);
    client.socket.send(Uint8Array.of(4));
    await client.closed();
    await until(async () => expect(await redis.exists(keys.session(FLEET, sid), ...seats)).toBe(0));
  });

  it("is written again when Redis has lost it", async () => {
    await serveSol();
    const sid = uuidv7();
    await join({ sid });
    await until(async () => expect(await redis.exists(keys.session(FLEET, sid))).toBe(1));
    await redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await redis.flushall();
    await until(async () => expect(await redis.exists(keys.session(FLEET, sid))).toBe(1));
  });
});

describe("draining", () => {
  it("follows the operator's word: newcomers are refused, players told, and it can be taken back", async () => {
    await serveSol();
    const client = await join();
    const entry = { state: "Draining", address: "", port: 0, life: "life-1", drainBy: Date.now() + 60_000 };
    await redis.hset(keys.roster(FLEET), "arena-1", JSON.stringify({ ...entry, life: "another" }));
    await until(async () => expect((await sample()).state).toBe("Ready"));
    await redis.hset(keys.roster(FLEET), "arena-1", JSON.stringify(entry));
    await client.until(() => client.notices.length > 0);
    expect(client.notices[0]?.kind).toBe(NOTICE.draining);
    expect(await refusal({})).toBe(CLOSE.draining);
    expect(await probe("readyz")).toBe("draining");
    await until(async () => expect((await sample()).state).toBe("Draining"));
    await redis.hset(keys.roster(FLEET), "arena-1", JSON.stringify({ ...entry, state: "Ready" }));
    await until(async () => expect(await probe("readyz")).toBe("ok"));
    expect(client.closeCode).toBeUndefined();
    await redis.del(keys.roster(FLEET));
  });

  it("SIGTERM gives the lease up and leaves sessions to be resumed elsewhere", async () => {
    await serveSol();
    const sid = uuidv7();
    const client = await join({ sid });
    await until(async () => expect(await redis.exists(keys.session(FLEET, sid))).toBe(1));
    const stopping = pod?.stop();
    pod = undefined;
    expect(await client.closed()).toBe(CLOSE.shutdown);
    await stopping;
    expect(await redis.exists(keys.session(FLEET, sid))).toBe(1);
    expect(await redis.exists(keys.zoneSeats(FLEET, "sol"))).toBe(0);
    expect((await listServers(pool, FLEET)).find((server) => server.id === SERVER)?.leased).toBe(false);
  });
});

it("a pod whose name another life has taken serves nothing and wants to be restarted", async () => {
  await serveSol();
  const client = await join();
  await register(pool, SERVER, FLEET, "life-2");
  expect(await client.closed()).toBe(CLOSE.zoneMoved);
  expect(await probe("readyz")).toContain("another life");
  expect(await probe("healthz")).toContain("another life");
});
