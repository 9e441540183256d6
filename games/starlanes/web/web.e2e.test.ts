/**
 * A person at the page, in a real browser on a real cluster: flies a ship, sees another, loses the pod, plays on.
 */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Crowd } from "../../../test/bots/crowd.ts";
import { fromAllocator } from "../../../test/bots/places.ts";
import { launchBrowser } from "../../../test/demo/browser.ts";
import { serviceToken } from "../../../test/demo/prepare.ts";
import { startWebServer, type WebServer } from "../../../test/demo/web-server.ts";
import { fleetManifest, makeNamespace, removeNamespace, serversReady } from "../../../test/e2e/fleet.ts";
import { eventually, kubectl } from "../../../test/e2e/kubectl.ts";
import type { StarlanesHandle } from "./debug.ts";

const NS = "e2e-web";
const FLEET = "lane";
const ZONE = "sol";
/** Ships start at one of four stations: so many that some start at ours. */
const BOTS = 30;

const stop = new AbortController();
let browser: Browser;
let web: WebServer;
let page: Page;
let crowd: Crowd;
const faults: string[] = [];

/** What the page's debug handle says now; getters do not cross to this process by themselves. */
const look = (): Promise<StarlanesHandle> =>
  page.evaluate(() => {
    const { state, server, zone, epoch, latencyMs, own, bodies } = window.starlanes;
    return { state, server, zone, epoch, latencyMs, own, bodies, dropConnection: undefined as never };
  });

const until = (what: string, wanted: (now: StarlanesHandle) => boolean): Promise<StarlanesHandle> =>
  eventually(
    async () => {
      const now = await look();
      return wanted(now) && now;
    },
    `${what}; the page complained of: ${faults.join("; ") || "nothing"}`,
  );

beforeAll(async () => {
  await makeNamespace(NS);
  const zones = { fixed: [{ name: ZONE, sessions: 50 }] };
  await kubectl(["apply", "-f", "-"], fleetManifest(NS, FLEET, { replicas: 2, zones }));
  await serversReady(NS, 2);
  const allocatorUrl = process.env.GAMEFLEET_ALLOCATOR_URL ?? "";
  const place = { allocatorUrl, token: await serviceToken(), namespace: NS, fleet: FLEET };
  crowd = new Crowd({ places: fromAllocator({ ...place, zone: ZONE }), players: BOTS, signal: stop.signal });
  await crowd.join();
  web = await startWebServer({ ...place, port: 0 });
  browser = await launchBrowser();
  page = await browser.newPage({ viewport: { width: 1000, height: 640 } });
  page.on("pageerror", (error) => faults.push(error.message));
});

afterAll(async () => {
  await browser?.close();
  await web?.close();
  crowd?.close();
  stop.abort();
  await removeNamespace(NS);
});

it("finds a place and shows where one is", async () => {
  await page.goto(`${web.url}?zone=${ZONE}`);
  await page.waitForFunction(() => window.starlanes?.state === "playing");
  const { server } = await until("a ship of one's own and a latency", (now) => !!now.own && !!now.latencyMs);
  await expect.poll(() => page.textContent("#pod")).toBe(server);
  expect(await page.textContent("#zone")).toBe(ZONE);
  expect(await page.textContent("#state")).toBe("playing");
});

it("flies by keys", async () => {
  const before = await until("a ship", (now) => now.own !== undefined);
  await page.keyboard.down("KeyW");
  const moved = (now: StarlanesHandle) =>
    Math.hypot((now.own?.x ?? 0) - (before.own?.x ?? 0), (now.own?.y ?? 0) - (before.own?.y ?? 0));
  await until("the ship has moved", (now) => moved(now) > 5);
  await page.keyboard.down("KeyD");
  const turned = await until("the ship has turned", (now) => now.own?.heading !== before.own?.heading);
  expect(turned.state).toBe("playing");
  await page.keyboard.up("KeyD");
  await page.keyboard.up("KeyW");
});

it("sees a bot, and its own shot", async () => {
  await page.keyboard.down("KeyW");
  await page.keyboard.down("KeyA");
  await page.keyboard.down("Space");
  await until("a shot", (now) => now.bodies.some(({ kind }) => kind === "shot"));
  await page.keyboard.up("KeyA");
  const { bodies } = await until("another ship", (now) =>
    now.bodies.some(({ kind, own }) => kind === "ship" && !own),
  );
  expect(bodies.filter(({ own }) => own)).toHaveLength(1);
  await page.keyboard.up("Space");
  await page.keyboard.up("KeyW");
});

it("comes back by itself when its pod is killed", async () => {
  const { server = "", epoch = 0 } = await look();
  await kubectl(["-n", NS, "delete", "pod", server, "--grace-period=0", "--force", "--wait=false"]);
  // In one look: a second question may come when play goes on already.
  await page.waitForFunction(
    () =>
      document.body.dataset.state === "resuming" &&
      document.querySelector("#message-text")?.textContent === "resuming…",
  );
  const back = await until(
    "play in a later life of the zone",
    (now) => now.state === "playing" && (now.epoch ?? 0) > epoch && now.own !== undefined,
  );
  expect(back.zone).toBe(ZONE);
  expect(await page.isVisible("#message")).toBe(false);
  await page.keyboard.down("KeyW");
  await until(
    "the ship flies again",
    (now) => Math.hypot((now.own?.x ?? 0) - (back.own?.x ?? 0), (now.own?.y ?? 0) - (back.own?.y ?? 0)) > 5,
  );
  await page.keyboard.up("KeyW");
  expect(faults).toEqual([]);
});

it("gives a browser nothing but the page's own files", async () => {
  const status = async (path: string) => (await fetch(new URL(path, web.url))).status;
  expect(await status("client/index.ts")).toBe(200);
  for (const path of [
    "package.json",
    "client/player.test.ts",
    "client/..%2fpackage.json",
    "client/%2e%2e/package.json",
    ".state/allocator-token",
    "gameserver/main.ts",
  ]) {
    expect([path, await status(path)]).toEqual([path, 404]);
  }
  expect((await fetch(new URL("play", web.url), { method: "POST", body: "zone=sol" })).status).toBe(415);
});
