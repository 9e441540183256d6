/** One pod of a fleet over real stores, for integration tests: what allocator and operator would have written. */
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { sha256, uuidv7 } from "../../platform/ids.ts";
import { silentLog } from "../../platform/log.ts";
import { MIGRATIONS } from "../../platform/ownership/migrations.ts";
import { declareZone, place, register } from "../../platform/ownership/ownership.ts";
import { createPool, migrate, type Pool, query } from "../../platform/postgres.ts";
import type { Redis } from "../../platform/redis.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { keys, LoadSample } from "../../protocol/directory.ts";
import { freshDatabase, freshRedis, redisUrl } from "../../test/stores/fixtures.ts";
import { readGameserverConfig } from "../config.ts";
import { type Pod, startPod } from "../control/pod.ts";
import { TestClient } from "./client.ts";

export const FLEET = "default/arena";
export const SERVER = "default/arena-1";
export const LIFE = "life-1";

export interface Given {
  readonly sid?: string;
  /** Hash of the resume token. */
  readonly rh?: string;
  /** The player. */
  readonly sub?: string;
  readonly zone?: string;
  readonly aud?: string;
  readonly exp?: number;
}

export class TestFleet {
  databaseUrl = "";
  #pool: Pool | undefined;
  #redis: Redis | undefined;
  #secret: CryptoKey | undefined;
  #jwk: JWK = {};
  #pod: Pod | undefined;

  get pool(): Pool {
    if (!this.#pool) throw new Error("not set up");
    return this.#pool;
  }

  get redis(): Redis {
    if (!this.#redis) throw new Error("not set up");
    return this.#redis;
  }

  async setUp(): Promise<void> {
    this.databaseUrl = await freshDatabase();
    await migrate(this.databaseUrl, MIGRATIONS, "ownership", silentLog());
    this.#pool = createPool({ url: this.databaseUrl, name: "test", log: silentLog() });
    this.#redis = await freshRedis();
    const pair = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
    this.#secret = pair.privateKey;
    this.#jwk = await exportJWK(pair.publicKey);
  }

  /** Empties Redis but for the allocator's key. */
  async reset(): Promise<void> {
    await this.redis.flushall();
    const { kty, crv, x } = this.#jwk;
    const key = { kty, crv, x, kid: "k1", expiresAt: Date.now() + 600_000 };
    await this.redis.hset(keys.jwks(), "k1", JSON.stringify(key));
  }

  async tearDown(): Promise<void> {
    this.#redis?.disconnect();
    await this.#pool?.end();
  }

  /** Starts the pod and waits until it is ready. */
  async start(env: Record<string, string> = {}): Promise<void> {
    const config = readGameserverConfig({
      GAMEFLEET_FLEET: "arena",
      GAMEFLEET_SERVER: "arena-1",
      GAMEFLEET_LIFE: LIFE,
      GAMEFLEET_GAME: fileURLToPath(new URL("arena-game.ts", import.meta.url)),
      GAMEFLEET_HOST: "127.0.0.1",
      GAMEFLEET_PORT: "0",
      GAMEFLEET_ADMIN_PORT: "0",
      GAMEFLEET_IO_THREADS: "1",
      GAMEFLEET_CAPACITY_SESSIONS: "10",
      GAMEFLEET_REDIS_URL: redisUrl(),
      GAMEFLEET_DATABASE_URL: this.databaseUrl,
      ...env,
    });
    this.#pod = await startPod(config, silentLog(), () => {});
    await eventually(async () => {
      const said = await this.probe("readyz");
      if (said !== "ok") throw new Error(`not ready: ${said}`);
    });
  }

  /** The same with the fixed zone "sol" placed on it. */
  async serveSol(env: Record<string, string> = {}, capacity = 4): Promise<void> {
    await register(this.pool, SERVER, FLEET, LIFE);
    await declareZone(this.pool, FLEET, "sol", "fixed", capacity);
    await place(this.pool, { fleet: FLEET, zone: "sol", epoch: 0, owner: SERVER, ownerLife: LIFE });
    await this.start(env);
  }

  async stop(): Promise<void> {
    const pod = this.#pod;
    this.#pod = undefined;
    await pod?.stop();
  }

  async ticket(given: Given = {}): Promise<string> {
    if (!this.#secret) throw new Error("not set up");
    const now = Math.floor(Date.now() / 1_000);
    const claims = { zone: "sol", aud: SERVER, exp: now + 30, sid: uuidv7(), rh: sha256("r"), ...given };
    return new SignJWT({ iss: "gamefleet", jti: randomUUID(), sub: "ada", iat: now, fleet: FLEET, ...claims })
      .setProtectedHeader({ alg: "EdDSA", kid: "k1" })
      .sign(this.#secret);
  }

  get playerPort(): number {
    return this.#pod?.playerPort ?? 0;
  }

  get adminPort(): number {
    return this.#pod?.adminPort ?? 0;
  }

  /** Says HELLO with a ticket; waits for WELCOME or the end. */
  async enter(ticket: string): Promise<TestClient> {
    return TestClient.join(this.#pod?.playerPort ?? 0, ticket);
  }

  async join(given?: Given): Promise<TestClient> {
    return this.enter(await this.ticket(given));
  }

  async refusal(given?: Given): Promise<number> {
    return (await this.join(given)).closed();
  }

  async probe(path: "readyz" | "healthz"): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#pod?.adminPort}/${path}`)).text();
  }

  async sample(): Promise<LoadSample> {
    return LoadSample.parse(JSON.parse((await this.redis.get(keys.load(SERVER))) ?? "{}"));
  }
}

/** A fleet for the tests of one file: stores per file, pod and zones per test. */
export function useFleet(): TestFleet {
  const fleet = new TestFleet();
  beforeAll(() => fleet.setUp());
  beforeEach(() => fleet.reset());
  afterEach(async () => {
    await fleet.stop();
    await query(fleet.pool, "DELETE FROM zone");
  });
  afterAll(() => fleet.tearDown());
  return fleet;
}
