import { describe, expect, it } from "vitest";
import { CLOSE } from "../../protocol/close.ts";
import { redisUrl } from "../../test/stores/fixtures.ts";
import { useFleet } from "../testing/fleet.ts";
import { type Proxy, proxyFor } from "../testing/proxy.ts";

const fleet = useFleet();

async function behindProxies(): Promise<{ readonly redis: Proxy; readonly postgres: Proxy }> {
  const [redis, postgres] = await Promise.all([proxyFor(redisUrl()), proxyFor(fleet.databaseUrl)]);
  await fleet.serveSol({ GAMEFLEET_REDIS_URL: redis.url, GAMEFLEET_DATABASE_URL: postgres.url });
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
    await fleet.until(async () => expect(await fleet.probe("readyz")).toBe("away: redis"));
    await plays(client);
    const newcomer = await fleet.join();
    expect(newcomer.welcome.resumed).toBe(false);
    redis.heal();
    await fleet.until(async () => expect(await fleet.probe("readyz")).toBe("ok"));
    await plays(client);
    redis.close();
    postgres.close();
  });

  it("PostgreSQL: players play on, what only it knows is refused with a code that says try again", async () => {
    const { redis, postgres } = await behindProxies();
    const client = await fleet.join();
    postgres.cut();
    await fleet.until(async () => expect(await fleet.probe("readyz")).toBe("away: postgres"));
    await plays(client);
    expect(await fleet.refusal({ zone: "unknown" })).toBe(CLOSE.storeAway);
    expect(await fleet.probe("healthz")).toBe("ok");
    postgres.heal();
    await fleet.until(async () => expect(await fleet.probe("readyz")).toBe("ok"));
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
  await fleet.until(async () => expect(await fleet.probe("readyz")).toBe("ok"));
  const again = await fleet.join({ sid });
  expect(again.welcome).toMatchObject({ resumed: true, entity: client.welcome.entity });
  redis.close();
  postgres.close();
});
