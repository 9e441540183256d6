/**
 * `npx node test/demo/screenshot.ts`: the picture in the README, taken of the real page with bots around, on the
 * running cluster of this clone.
 */
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Crowd } from "../bots/crowd.ts";
import { fromAllocator } from "../bots/places.ts";
import { launchBrowser } from "./browser.ts";
import { serviceToken, takeEnvironment } from "./prepare.ts";
import { slimPng } from "./slim-png.ts";
import { startWebServer } from "./web-server.ts";

const FILE = new URL("../../docs/assets/starlanes.png", import.meta.url);
const ZONE = "sol";
const PLAYERS = 120;
const MOMENTS = 40;
const COLOUR_STEP = 4;
const WANTED = { width: 1280, height: 760 };

interface SeenBody {
  readonly kind: string;
  readonly own: boolean;
  readonly x: number;
  readonly y: number;
}

const WORTH: Readonly<Record<string, number>> = { ship: 1, drone: 2, shot: 2, crate: 4, station: 6 };

/** How much of what is there lies in the picture. */
function liveliness(bodies: readonly SeenBody[]): number {
  const own = bodies.find((body) => body.own);
  const shown = bodies.filter(
    (body) => own && Math.abs(body.x - own.x) < 115 && Math.abs(body.y - own.y) < 70,
  );
  return shown.reduce((sum, { kind }) => sum + (WORTH[kind] ?? 0), 0);
}

await takeEnvironment();
const token = await serviceToken();
const allocatorUrl = process.env.GAMEFLEET_ALLOCATOR_URL ?? "";
const place = { allocatorUrl, token, namespace: "default", fleet: "starlanes" };
const stop = new AbortController();
const crowd = new Crowd({
  places: fromAllocator({ ...place, zone: ZONE }),
  players: PLAYERS,
  name: "extra",
  signal: stop.signal,
});
const web = await startWebServer({ ...place, port: 0 });
const browser = await launchBrowser();
try {
  const page = await browser.newPage({ viewport: WANTED });
  await page.goto(`${web.url}games/starlanes/web/?zone=${ZONE}`);
  await page.waitForFunction('window.starlanes?.state === "playing"');
  await crowd.join();
  let best = 0;
  let picture: Buffer | undefined;
  // Fly and fire; keep the liveliest of many moments.
  for (let moment = 0; moment < MOMENTS; moment++) {
    await page.keyboard.down(moment % 5 === 0 ? "ArrowLeft" : "Space");
    if (moment % 8 === 0) await page.keyboard.down("ArrowUp");
    await sleep(250);
    await page.keyboard.up("ArrowLeft");
    if (moment % 8 === 2) await page.keyboard.up("ArrowUp");
    const lively = liveliness(await page.evaluate<SeenBody[]>("window.starlanes.bodies"));
    if (lively <= best) continue;
    best = lively;
    picture = await page.screenshot({ type: "png" });
  }
  if (!picture) throw new Error("nothing was to be seen");
  const slim = await slimPng(page, picture, COLOUR_STEP);
  await writeFile(FILE, slim);
  console.log(
    `docs/assets/starlanes.png: the liveliest of ${MOMENTS} moments (${best}), ${slim.length} bytes`,
  );
} finally {
  await browser.close();
  await web.close();
  crowd.close();
  stop.abort();
  await sleep(300);
}
process.exit(0);
