import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silentLog } from "../../platform/log.ts";
import { CLOSE } from "../../protocol/close.ts";
import { encodeLeave, FRAME } from "../../protocol/frames.ts";
import { readGameserverConfig } from "../config.ts";
import { TestClient } from "../testing/client.ts";
import { type Pod, startPod } from "./pod.ts";

const config = readGameserverConfig({
  GAMEFLEET_LOCAL: "true",
  GAMEFLEET_GAME: fileURLToPath(new URL("../testing/arena-game.ts", import.meta.url)),
  GAMEFLEET_HOST: "127.0.0.1",
  GAMEFLEET_PORT: "0",
  GAMEFLEET_ADMIN_PORT: "0",
  GAMEFLEET_LOCAL_ZONES: "sol:8,tiny:1",
  GAMEFLEET_IO_THREADS: "2",
});
let pod: Pod;
let people = 0;

const ticket = (zone = "sol") => JSON.stringify({ player: `p${++people}`, zone });
const named = (resume: string, zone = "sol") => JSON.stringify({ player: resume, zone, resume });
const admin = (path: string) => fetch(`http://127.0.0.1:${pod.adminPort}${path}`);

beforeAll(async () => {
  pod = await startPod(config, silentLog(), (error) => {
    throw error;
  });
});
afterAll(() => pod.stop());

async function leave(...clients: TestClient[]): Promise<void> {
  for (const client of clients) {
    client.socket.send(encodeLeave());
    expect(await client.closed()).toBe(CLOSE.left);
  }
}

describe("a player", () => {
  it("joins, sees the world, moves it by numbered inputs, and hears of it", async () => {
    const client = await TestClient.join(pod.playerPort, ticket());
    expect(client.welcome).toMatchObject({ zone: "sol", epoch: 1, resumed: false, inputSeq: 0, tickHz: 60 });
    await client.until(() => client.view?.own !== undefined);
    const x = client.view?.own?.values["x"] ?? 0;
    expect(client.view?.own?.values).toMatchObject({ hp: 100, gold: 5 });
    client.send({ kind: "walk", fields: { dx: 1, dy: 0 } }, { kind: "shout", fields: { word: 7 } });
    await client.until(() => client.view?.ackInput === 2 && (client.view.own?.values["x"] ?? 0) > x + 1);
    await client.until(() => client.events.length > 0);
    expect(client.events[0]).toEqual({ kind: "shouted", fields: { by: client.welcome.entity, word: 7 } });
    expect(client.view?.own?.values["gold"]).toBe(6);
    await leave(client);
  });

  it("sees another's public columns and not the owner's", async () => {
    const [a, b] = await Promise.all([1, 2].map(() => TestClient.join(pod.playerPort, ticket())));
    if (!a || !b) throw new Error("no clients");
    await a.until(() => a.view?.entities.has(b.welcome.entity) ?? false);
    const seen = a.view?.entities.get(b.welcome.entity);
    expect(Object.keys(seen?.values ?? {}).sort()).toEqual(["hp", "x", "y"]);
    await leave(a, b);
  });

  it("is refused with a code that says what to do", async () => {
    const token = ticket("nowhere");
    const codes = await Promise.all(
      [token, "nonsense"].map(async (bad) => (await TestClient.join(pod.playerPort, bad)).closed()),
    );
    expect(codes).toEqual([CLOSE.zoneMoved, CLOSE.ticketInvalid]);
    const only = await TestClient.join(pod.playerPort, ticket("tiny"));
    const second = await TestClient.join(pod.playerPort, ticket("tiny"));
    expect(await second.closed()).toBe(CLOSE.serverFull);
    await leave(only);
    // The place is free again.
    await leave(await TestClient.join(pod.playerPort, ticket("tiny")));
  });
});

describe("a session", () => {
  it("outlives its socket: same entity, sequences go on, missed events come first", async () => {
    const token = "stays.secret";
    const first = await TestClient.join(pod.playerPort, named(token));
    const witness = await TestClient.join(pod.playerPort, ticket());
    first.send({ kind: "shout", fields: { word: 1 } });
    await first.until(() => first.events.some((event) => event.fields["word"] === 1));
    const { seq = 0 } = first.view ?? {};
    first.socket.terminate();
    await first.closed();
    witness.send({ kind: "shout", fields: { word: 2 } });
    await witness.until(() => witness.events.some((event) => event.fields["word"] === 2));

    // More than once, so that both I/O threads are met: the kernel chooses.
    let lastSeq = seq;
    for (let round = 0; round < 6; round++) {
      const again = await TestClient.join(pod.playerPort, token, "resume", lastSeq);
      expect(again.welcome).toMatchObject({
        entity: first.welcome.entity,
        resumed: true,
        inputSeq: 1 + round,
      });
      expect(again.welcome.eventsLost).toBe(false);
      expect(again.welcome.seq).toBeGreaterThanOrEqual(lastSeq);
      await again.until(() => again.view?.own !== undefined);
      if (round === 0) expect(again.events.map((event) => event.fields["word"])).toContain(2);
      again.send({ kind: "shout", fields: { word: 10 + round } });
      await again.until(() => again.events.some((event) => event.fields["word"] === 10 + round));
      lastSeq = again.view?.seq ?? 0;
      again.socket.terminate();
      await again.closed();
    }
    const last = await TestClient.join(pod.playerPort, token, "resume", lastSeq);
    await leave(last, witness);
  });

  it("goes to the newer connection", async () => {
    const token = "twice.secret";
    const older = await TestClient.join(pod.playerPort, named(token));
    for (let round = 0; round < 4; round++) {
      const newer = await TestClient.join(pod.playerPort, token, "resume");
      expect(newer.welcome.resumed).toBe(true);
      if (round === 0) expect(await older.closed()).toBe(CLOSE.replaced);
      if (round === 3) await leave(newer);
    }
  });

  it("is not resumed with a wrong token, and not known after it has left", async () => {
    const client = await TestClient.join(pod.playerPort, named("mine.secret"));
    const wrong = await TestClient.join(pod.playerPort, "mine.guessed", "resume");
    expect(await wrong.closed()).toBe(CLOSE.resumeRefused);
    await leave(client);
    const late = await TestClient.join(pod.playerPort, "mine.secret", "resume");
    expect(await late.closed()).toBe(CLOSE.zoneMoved);
  });
});

describe("bad behaviour ends one connection", () => {
  it.each([
    ["a frame of no known type", Uint8Array.of(99), CLOSE.frameMalformed],
    ["an input out of range", Uint8Array.of(FRAME.input, 1, 0, 0, 0, 1, 0, 255, 0), CLOSE.frameMalformed],
    ["an input number left out", Uint8Array.of(FRAME.input, 5, 0, 0, 0, 1, 2), CLOSE.frameMalformed],
    ["a text message", "hello", 1003],
    ["a message too long", new Uint8Array(9_000), 1009],
  ])("%s", async (_what, message, code) => {
    const client = await TestClient.join(pod.playerPort, ticket());
    client.socket.send(message);
    expect(await client.closed()).toBe(code);
  });

  it("a flood", async () => {
    const client = await TestClient.join(pod.playerPort, named("flood.secret"));
    for (let i = 0; i < 200; i++) client.send({ kind: "shout", fields: { word: 1 } });
    expect(await client.closed()).toBe(CLOSE.rateLimited);
  });

  it("a rule that throws costs nobody the game", async () => {
    const client = await TestClient.join(pod.playerPort, ticket("tiny"));
    client.send({ kind: "fail", fields: {} }, { kind: "walk", fields: { dx: 0, dy: 1 } });
    await client.until(() => client.view?.ackInput === 2);
    await leave(client);
    const metrics = await (await admin("/metrics")).text();
    expect(metrics).toContain("gamefleet_joins_total");
  });
});

describe("the admin listener", () => {
  it("answers probes and status", async () => {
    expect((await admin("/healthz")).status).toBe(200);
    expect((await admin("/readyz")).status).toBe(200);
    const status = (await (await admin("/v1/status")).json()) as { load: { zones: { id: string }[] } };
    expect(status.load.zones.map((zone) => zone.id)).toEqual(["sol", "tiny"]);
  });
});

describe("stopping", () => {
  it("tells players, closes them resumably, and ends", async () => {
    const other = await startPod(config, silentLog(), () => {});
    const client = await TestClient.join(other.playerPort, ticket());
    const stopped = other.stop();
    expect(await client.closed()).toBe(CLOSE.shutdown);
    expect(client.notices).toMatchObject([{ kind: 1 }]);
    await stopped;
  });
});
