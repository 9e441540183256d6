import { describe, expect, it } from "vitest";
import { uuidv7 } from "../../platform/ids.ts";
import { createZone, listServers, listZones, place, register } from "../../platform/ownership/ownership.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { CLOSE } from "../../protocol/close.ts";
import { keys, SessionRecord } from "../../protocol/directory.ts";
import { NOTICE } from "../../protocol/frames.ts";
import { FLEET, LIFE, SERVER, useFleet } from "../testing/fleet.ts";

const fleet = useFleet();

describe("zones", () => {
  it("are those the store says; the sample tells of them", async () => {
    await fleet.serveSol();
    await eventually(async () => {
      expect(await fleet.sample()).toMatchObject({
        server: "arena-1",
        life: LIFE,
        state: "Ready",
        capacity: 10,
      });
      expect((await fleet.sample()).zones).toMatchObject([
        { id: "sol", kind: "fixed", epoch: 1, capacity: 4, open: true },
      ]);
    });
  });

  it("made a moment ago are found by the ticket that names them, and close when they stay empty", async () => {
    await fleet.start({ GAMEFLEET_EMPTY_ZONE_TIME: "1s" });
    const request = { fleet: FLEET, zone: "match", owner: SERVER, ownerLife: LIFE, capacity: 2 };
    await createZone(fleet.pool, request);
    const client = await fleet.join({ zone: "match" });
    expect(client.welcome).toMatchObject({ zone: "match", epoch: 1 });
    client.socket.send(Uint8Array.of(4));
    expect(await client.closed()).toBe(CLOSE.left);
    await eventually(async () => expect(await listZones(fleet.pool, FLEET)).toEqual([]));
    await eventually(async () => expect((await fleet.sample()).zones).toEqual([]));
  });

  it("that the game ends tell their players, and are gone", async () => {
    await fleet.start();
    const request = { fleet: FLEET, zone: "match", owner: SERVER, ownerLife: LIFE, capacity: 2 };
    await createZone(fleet.pool, request);
    const [one, two] = [await fleet.join({ zone: "match" }), await fleet.join({ zone: "match" })];
    one.send({ kind: "finish", fields: {} });
    expect([await one.closed(), await two.closed()]).toEqual([CLOSE.zoneEnded, CLOSE.zoneEnded]);
    await eventually(async () => expect(await listZones(fleet.pool, FLEET)).toEqual([]));
  });

  it("that move away end their sessions resumably", async () => {
    await fleet.serveSol();
    const client = await fleet.join();
    await register(fleet.pool, "default/other", FLEET, "x");
    await place(fleet.pool, { fleet: FLEET, zone: "sol", epoch: 1, owner: "default/other", ownerLife: "x" });
    await fleet.redis.publish(keys.poke(SERVER), "zones");
    expect(await client.closed()).toBe(CLOSE.zoneMoved);
    expect(await fleet.refusal()).toBe(CLOSE.zoneMoved);
  });
});

describe("a ticket", () => {
  it("is good once, here, in time, for this fleet's keys", async () => {
    await fleet.serveSol();
    const once = await fleet.ticket();
    const first = await fleet.enter(once);
    expect(first.welcome.resumed).toBe(false);
    const again = await fleet.enter(once);
    expect(await again.closed()).toBe(CLOSE.ticketInvalid);
    expect(await fleet.refusal({ aud: "default/other" })).toBe(CLOSE.ticketInvalid);
    expect(await fleet.refusal({ exp: Math.floor(Date.now() / 1_000) - 60 })).toBe(CLOSE.ticketInvalid);
    const forged = `${(await fleet.ticket()).slice(0, -6)}AAAAAA`;
    expect(await (await fleet.enter(forged)).closed()).toBe(CLOSE.ticketInvalid);
  });

  it("for a session that is here resumes it", async () => {
    await fleet.serveSol();
    const sid = uuidv7();
    const first = await fleet.join({ sid });
    first.socket.terminate();
    const again = await fleet.join({ sid });
    expect(again.welcome).toMatchObject({ resumed: true, entity: first.welcome.entity });
    expect(await fleet.redis.exists(keys.session(FLEET, sid))).toBe(1);
  });
});

describe("the directory", () => {
  it("knows who is here until they leave", async () => {
    await fleet.serveSol();
    const sid = uuidv7();
    const client = await fleet.join({ sid });
    const read = async () =>
      SessionRecord.parse(JSON.parse((await fleet.redis.get(keys.session(FLEET, sid))) ?? "{}"));
    await eventually(async () =>
      expect(await read()).toMatchObject({ player: "ada", zone: "sol", server: "arena-1", played: true }),
    );
    const seats = [keys.zoneSeats(FLEET, "sol"), keys.serverSeats(FLEET, "arena-1")];
    for (const seat of seats)
      expect(Number(await fleet.redis.zscore(seat, sid))).toBeGreaterThan(Date.now() + 60_000);
    client.socket.send(Uint8Array.of(4));
    await client.closed();
    await eventually(async () =>
      expect(await fleet.redis.exists(keys.session(FLEET, sid), ...seats)).toBe(0),
    );
  });

  it("is written again when Redis has lost it", async () => {
    await fleet.serveSol();
    const sid = uuidv7();
    await fleet.join({ sid });
    await eventually(async () => expect(await fleet.redis.exists(keys.session(FLEET, sid))).toBe(1));
    await fleet.redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await fleet.redis.flushall();
    await eventually(async () => expect(await fleet.redis.exists(keys.session(FLEET, sid))).toBe(1));
  });
});

describe("draining", () => {
  it("follows the operator's word: newcomers are refused, players told, and it can be taken back", async () => {
    await fleet.serveSol();
    const client = await fleet.join();
    const entry = { state: "Draining", address: "", port: 0, life: LIFE, drainBy: Date.now() + 60_000 };
    await fleet.redis.hset(keys.roster(FLEET), "arena-1", JSON.stringify({ ...entry, life: "another" }));
    await eventually(async () => expect((await fleet.sample()).state).toBe("Ready"));
    await fleet.redis.hset(keys.roster(FLEET), "arena-1", JSON.stringify(entry));
    await client.until(() => client.notices.length > 0);
    expect(client.notices[0]?.kind).toBe(NOTICE.draining);
    expect(await fleet.refusal()).toBe(CLOSE.draining);
    expect(await fleet.probe("readyz")).toBe("draining");
    await eventually(async () => expect((await fleet.sample()).state).toBe("Draining"));
    await fleet.redis.hset(keys.roster(FLEET), "arena-1", JSON.stringify({ ...entry, state: "Ready" }));
    await eventually(async () => expect(await fleet.probe("readyz")).toBe("ok"));
    expect(client.closeCode).toBeUndefined();
    await fleet.redis.del(keys.roster(FLEET));
  });

  it("SIGTERM gives the lease up and leaves sessions to be resumed elsewhere", async () => {
    await fleet.serveSol();
    const sid = uuidv7();
    const client = await fleet.join({ sid });
    await eventually(async () => expect(await fleet.redis.exists(keys.session(FLEET, sid))).toBe(1));
    const stopping = fleet.stop();
    expect(await client.closed()).toBe(CLOSE.shutdown);
    await stopping;
    expect(await fleet.redis.exists(keys.session(FLEET, sid))).toBe(1);
    expect(await fleet.redis.exists(keys.zoneSeats(FLEET, "sol"))).toBe(0);
    expect((await listServers(fleet.pool, FLEET)).find((server) => server.id === SERVER)?.leased).toBe(false);
  });
});

it("a pod whose name another life has taken serves nothing and wants to be restarted", async () => {
  await fleet.serveSol();
  const client = await fleet.join();
  await register(fleet.pool, SERVER, FLEET, "life-2");
  expect(await client.closed()).toBe(CLOSE.zoneMoved);
  expect(await fleet.probe("readyz")).toContain("another life");
  expect(await fleet.probe("healthz")).toContain("another life");
});
