import { describe, expect, it } from "vitest";
import { sleep } from "../../platform/background.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { CLOSE } from "../../protocol/close.ts";
import { redisUrl } from "../../test/stores/fixtures.ts";
import { useFleet } from "../testing/fleet.ts";
import { type Proxy, proxyFor } from "../testing/proxy.ts";

const fleet = useFleet();

async function behindProxies(players = 4): Promise<{ readonly redis: Proxy; readonly postgres: Proxy }> {
  const [redis, postgres] = await Promise.all([proxyFor(redisUrl()), proxyFor(fleet.databaseUrl)]);
  const stores = { GAMEFLEET_REDIS_URL: redis.url, GAMEFLEET_DATABASE_URL: postgres.url };
  await fleet.serveSol({ ...stores, GAMEFLEET_CAPACITY_SESSIONS: String(players + 6) }, players);
  return { redis, postgres };
}

/** Proof that a player plays: an input goes in, its effect comes out. */
async function plays(client: Awaited<ReturnType<typeof fleet.join>>): Promise<void> {
  client.send({ kind: "walk", fields: { dx: 1, dy: 0 } });
  await client.until(() => client.view?.ackInput === client.inputSeq || client.closeCode !== undefined);
  expect(client.closeCode).toBeUndefined();
}

describe("one store away", () => {
  it("Redis: players play on, known keys still open the door, not ready until it is back", async () => {
    const { redis, postgres } = await behindProxies();
    const client = await fleet.join();
    redis.cut();
    await eventually(async () => expect(await fleet.probe("readyz")).toBe("away: redis"));
    await plays(client);
    const newcomer = await fleet.join();
    expect(newcomer.welcome.resumed).toBe(false);
    redis.heal();
    await eventually(async () => expect(await fleet.probe("readyz")).toBe("ok"));
    await plays(client);
    redis.close();
    postgres.close();
  });

  it("PostgreSQL: players play on, what only it knows is refused with a code that says try again", async () => {
    const { redis, postgres } = await behindProxies();
    const client = await fleet.join();
    postgres.cut();
    await eventually(async () => expect(await fleet.probe("readyz")).toBe("away: postgres"));
    await plays(client);
    expect(await fleet.refusal({ zone: "unknown" })).toBe(CLOSE.storeAway);
    expect(await fleet.probe("healthz")).toBe("ok");
    postgres.heal();
    await eventually(async () => expect(await fleet.probe("readyz")).toBe("ok"));
    expect(await fleet.refusal({ zone: "unknown" })).toBe(CLOSE.zoneMoved);
    await plays(client);
    redis.close();
    postgres.close();
  });
});

it("both away for longer than a lease: the pod falls silent, and goes on with the same sessions when it is back", async () => {
  const { redis, postgres } = await behindProxies();
  const sid = "01900000-0000-7000-8000-000000000001";
  const client = await fleet.join({ sid });
  redis.cut();
  postgres.cut();
  expect(await client.closed()).toBe(CLOSE.zoneMoved);
  expect(await fleet.probe("readyz")).toBe("cut off from all stores");
  expect(await fleet.refusal({ sid })).toBe(CLOSE.storeAway);
  redis.heal();
  postgres.heal();
  await eventually(async () => expect(await fleet.probe("readyz")).toBe("ok"));
  const again = await fleet.join({ sid });
  expect(again.welcome).toMatchObject({ resumed: true, entity: client.welcome.entity });
  redis.close();
  postgres.close();
});

describe("partition from Redis and PostgreSQL under load", () => {
  it("40 players in the thick of it: no input is lost, nobody is disconnected, none waits for a store", async () => {
    const { redis, postgres } = await behindProxies(40);
    const clients = await Promise.all(Array.from({ length: 40 }, () => fleet.join()));
    /** Everyone sends ten inputs as fast as he may; all must be acknowledged. */
    const battle = async () => {
      for (let round = 0; round < 10; round++) {
        for (const client of clients) client.send({ kind: "walk", fields: { dx: round % 2, dy: 1 } });
        await sleep(60, new AbortController().signal);
      }
      await Promise.all(
        clients.map((client) =>
          client.until(() => client.view?.ackInput === client.inputSeq || client.closeCode !== undefined),
        ),
      );
      expect(clients.flatMap((client) => client.closeCode ?? [])).toEqual([]);
    };
    await battle();
    redis.cut();
    await battle();
    redis.heal();
    await eventually(async () => expect(await fleet.probe("readyz")).toBe("ok"));
    postgres.cut();
    await eventually(async () => expect(await fleet.probe("readyz")).toBe("away: postgres"));
    await battle();
    postgres.heal();
    await eventually(async () => expect(await fleet.probe("readyz")).toBe("ok"));
    // Both at once, but for less than a lease: nobody else can have been given the zone.
    redis.cut();
    postgres.cut();
    await battle();
    redis.heal();
    postgres.heal();
    await eventually(async () => expect(await fleet.probe("readyz")).toBe("ok"));
    await battle();
    redis.close();
    postgres.close();
  });
});
