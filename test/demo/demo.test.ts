/** The demo's parts that need no cluster: the table, the steps' honesty, the page's server. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Steps } from "./steps.ts";
import { renderTable, type Scene } from "./table.ts";
import { startWebServer, type WebServer } from "./web-server.ts";

describe("the table", () => {
  const scene: Scene = {
    fleet: {
      desired: 2,
      ready: 1,
      zones: 4,
      fixedZones: 4,
      servers: [
        { name: "lane-b", state: "Starting", address: "-", zones: 0, sessions: 0, cpuPercent: undefined },
        {
          name: "lane-a",
          state: "Ready",
          address: "127.0.0.1:7000",
          zones: 4,
          sessions: 198,
          cpuPercent: 31,
        },
      ],
    },
    botsByServer: new Map([["lane-a", 200]]),
    players: 200,
    playing: 200,
    lostSessions: 0,
    resumed: 3,
    restarted: 100,
    updatesPerSecond: 2_400.4,
    p50Ms: 41.6,
    p99Ms: Number.NaN,
    seconds: 12.3,
    webAddress: "http://127.0.0.1:8088/",
    hint: "q ends the demo",
  };

  it("shows servers by name, the players, and what is not known as a dash", () => {
    expect(renderTable(scene)).toEqual([
      "GAMESERVER   STATE      ADDRESS          ZONES   SESSIONS   BOTS    CPU",
      "lane-a       Ready      127.0.0.1:7000       4        198    200   31 %",
      "lane-b       Starting   -                    0          0      0      -",
      "",
      "fleet 1 of 2 ready, 4 zones   12 s",
      "players 200 of 200 in play, 103 came back, 0 lost   2400 updates/s",
      "input→seen  p50 42 ms   p99 -",
      "fly along: http://127.0.0.1:8088/   q ends the demo",
    ]);
  });

  it("stands before the fleet has been seen", () => {
    expect(renderTable({ ...scene, fleet: undefined })).toContain("fleet: looking   12 s");
  });
});

describe("steps", () => {
  it("are all well only when every one of them really happened", async () => {
    const said: string[] = [];
    const steps = new Steps(["one", "two"], (line) => said.push(line));
    expect(await steps.run("one", "first", async () => "seen")).toBe(true);
    expect(steps.allOk).toBe(false);
    expect(steps.results.two).toEqual({ ok: false, why: "not reached", seconds: 0 });
    const failed = await steps.run("two", "second", async () => {
      throw new Error("nobody came");
    });
    expect([failed, steps.allOk, steps.results.two?.why]).toEqual([false, false, "nobody came"]);
    await steps.run("two", "second", async () => "at last");
    expect(steps.allOk).toBe(true);
    expect(said.slice(0, 1)).toEqual(["▸ first"]);
  });
});

describe("the page's server", () => {
  let allocator: Server;
  let web: WebServer;
  let asked: { path: string | undefined; authorization: string | undefined; body: unknown }[];
  const answer = { code: "ZONE_UNPLACED", detail: "being placed" };

  beforeEach(async () => {
    asked = [];
    allocator = createServer((request, response) => {
      void text(request).then((body) => {
        const { authorization } = request.headers;
        asked.push({ path: request.url, authorization, body: JSON.parse(body) });
        response.writeHead(503, { "content-type": "application/problem+json" }).end(JSON.stringify(answer));
      });
    });
    await once(allocator.listen(0, "127.0.0.1"), "listening");
    const allocatorUrl = `http://127.0.0.1:${(allocator.address() as AddressInfo).port}`;
    web = await startWebServer({ allocatorUrl, token: "secret", namespace: "ns", fleet: "lane", port: 0 });
  });
  afterEach(async () => {
    await web.close();
    allocator.close();
  });

  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(new URL(path, web.url), {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });

  it("asks for a place with the service token and the page's zone, and for nothing else it is told", async () => {
    const reply = await post("play", { zone: "sol", fleet: "other", players: ["me"], requestKey: "x" });
    expect([reply.status, await reply.json()]).toEqual([503, answer]);
    expect(asked).toEqual([
      {
        path: "/v1/allocations",
        authorization: "Bearer secret",
        body: { namespace: "ns", fleet: "lane", zone: "sol", players: [expect.stringMatching(/^web-/)] },
      },
    ]);
  });

  it("hands resuming on without the service token", async () => {
    await post("v1/sessions/resume", { resumeToken: "s.x" });
    expect(asked).toEqual([
      { path: "/v1/sessions/resume", authorization: undefined, body: { resumeToken: "s.x" } },
    ]);
  });

  it("says so when the allocator is away", async () => {
    allocator.close();
    allocator.closeAllConnections();
    expect((await post("play", {})).status).toBe(502);
  });

  it("gives TypeScript as a module without types", async () => {
    const reply = await fetch(new URL("client/index.ts", web.url));
    expect(reply.headers.get("content-type")).toContain("text/javascript");
    const source = await reply.text();
    expect(source).toContain('from "./connect.ts"');
    expect(source).not.toContain("export type");
  });

  it("does nothing in a foreign page's name", async () => {
    const { hostname, port } = new URL(web.url);
    // fetch would not let a test forge its Host header.
    const { request } = await import("node:http");
    const forged = request({
      hostname,
      port,
      path: "/play",
      method: "POST",
      headers: { host: "evil.example" },
    });
    const [reply] = (await once(forged.end("{}"), "response")) as [{ statusCode: number }];
    expect(reply.statusCode).toBe(403);
    expect((await post("play", {}, { "content-type": "text/plain" })).status).toBe(415);
    expect(asked).toEqual([]);
  });

  it("takes another port when its own is taken", async () => {
    const port = Number(new URL(web.url).port);
    const second = await startWebServer({ allocatorUrl: "", token: "", namespace: "", fleet: "", port });
    expect(new URL(second.url).port).not.toBe(String(port));
    await second.close();
  });
});
