/**
 * `make demo`: from nothing to players who keep playing while their servers come and go.
 *
 * On a terminal it goes on until q; without one it ends with its story, or DEMO_SECONDS (180) after the players began to
 * come, with exit code 0 only if every step really happened. The last line on stdout is one JSON object with what was
 * measured. DEMO_PLAYERS (200) and DEMO_WEB_PORT (8088) may be set too.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Crowd } from "../bots/crowd.ts";
import { fromAllocator } from "../bots/places.ts";
import { DemoFleet, type FleetLook } from "./fleet.ts";
import { installChart, loadImages, makeCluster, serviceToken } from "./prepare.ts";
import { Screen, stopAtKey } from "./screen.ts";
import { Steps } from "./steps.ts";
import { STORY_STEPS, type StoryOutcome, tellStory } from "./story.ts";
import { renderTable } from "./table.ts";
import { startWebServer, type WebServer } from "./web-server.ts";

const players = Number(process.env.DEMO_PLAYERS ?? 200);
const seconds = Number(process.env.DEMO_SECONDS ?? 180);
const webPort = Number(process.env.DEMO_WEB_PORT ?? 8088);
const FLEET_FILE = new URL("../../games/starlanes/fleet.yaml", import.meta.url).pathname;
const FLEET_SECONDS = 150;
/** Inputs of the last moments, for the table's percentiles. */
const NEWEST_INPUTS = 5_000;
const LOOK_EVERY_MS = 1_000;

const OFFER = "refit";
/** Others each time: the ledger outlives the demo, and so do the credits that were spent. */
const name = `bot-${Date.now().toString(36)}`;
const screen = new Screen(process.stdout);
const steps = new Steps(["cluster", "images", "chart", "fleet", "web", ...STORY_STEPS, "kept"], screen.say);
const fleet = new DemoFleet("default", "starlanes");
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort(new Error("stopped")));

async function prepare(): Promise<boolean> {
  return (
    (await steps.run("cluster", "a Kubernetes cluster", makeCluster)) &&
    (await steps.run("images", "images of the game server and the operator", loadImages)) &&
    (await steps.run("chart", "gamefleet's Helm chart", () => installChart(screen.say))) &&
    (await steps.run("fleet", `kubectl apply -f games/starlanes/fleet.yaml`, makeFleet))
  );
}

async function makeFleet(): Promise<string> {
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(FLEET_SECONDS * 1_000)]);
  await fleet.remove(signal);
  await fleet.apply(FLEET_FILE, signal);
  const look = await fleet.until(isReady, signal);
  return `${look.ready} servers are ready, with ${look.zones} zones`;
}

/** Its two servers are there, and every zone has one. */
const isReady = ({ desired, ready, zones, fixedZones }: FleetLook): boolean =>
  desired > 0 && ready === desired && zones >= fixedZones;

/** Draws the table until `signal` ends it. */
async function show(crowd: Crowd, webAddress: string, signal: AbortSignal): Promise<void> {
  const { tally } = crowd;
  const began = performance.now();
  const hint = screen.live ? "q ends the demo" : "";
  let look: FleetLook | undefined;
  let seen = { updates: 0, at: began };
  while (!signal.aborted) {
    // The API server may be away for a moment: then the last look stands.
    look = await fleet.look(signal).catch(() => look);
    const now = performance.now();
    const updatesPerSecond = ((tally.updates - seen.updates) / Math.max(1, now - seen.at)) * 1_000;
    seen = { updates: tally.updates, at: now };
    screen.table(
      renderTable({
        fleet: look,
        botsByServer: crowd.botsByServer(),
        players,
        playing: tally.playing,
        lostSessions: tally.lostSessions,
        resumed: tally.resumed,
        restarted: tally.restarted,
        updatesPerSecond,
        p50Ms: tally.inputToSeen.quantile(0.5, NEWEST_INPUTS),
        p99Ms: tally.inputToSeen.quantile(0.99, NEWEST_INPUTS),
        seconds: (now - began) / 1_000,
        webAddress,
        hint,
      }),
    );
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** The claim of the whole: everybody who came still plays, and was told everything in order. */
function judge({ tally }: Crowd): string {
  const { played, playing, lostSessions, badFrames, reasons } = tally;
  if (lostSessions > 0)
    throw new Error(`${lostSessions} sessions were lost: ${[...reasons.keys()].join("; ")}`);
  if (badFrames > 0) throw new Error(`${badFrames} frames were out of order or unreadable`);
  if (playing !== players) throw new Error(`${playing} of ${players} are in play, ${played} have been`);
  return `all ${playing} players are still in play, none was lost`;
}

async function play(web: WebServer, crowd: Crowd, outcome: StoryOutcome): Promise<void> {
  const told = new AbortController();
  const limit = screen.live
    ? stop.signal
    : AbortSignal.any([stop.signal, AbortSignal.timeout(seconds * 1_000)]);
  const giveBackKeyboard = stopAtKey(stop, process.stdin);
  const table = show(crowd, web.url, AbortSignal.any([limit, told.signal]));
  Object.assign(outcome, await tellStory({ fleet, crowd, players, steps, signal: limit }));
  if (!screen.live) told.abort();
  await table;
  await steps.run("kept", "the players", async () => judge(crowd));
  giveBackKeyboard();
  screen.end();
}

const outcome: StoryOutcome = { recoverySeconds: null, purchases: 0, books: undefined };
let crowd: Crowd | undefined;
if (await prepare()) {
  const token = await serviceToken();
  const allocatorUrl = process.env.GAMEFLEET_ALLOCATOR_URL ?? "";
  const place = { allocatorUrl, token, namespace: fleet.namespace, fleet: fleet.name };
  crowd = new Crowd({ players, places: fromAllocator(place), signal: stop.signal, name, buys: OFFER });
  let web: WebServer | undefined;
  await steps.run("web", "the game's page", async () => {
    web = await startWebServer({ ...place, port: webPort });
    return `open ${web.url} and fly along`;
  });
  if (web) await play(web, crowd, outcome);
  stop.abort();
  crowd.close();
  await web?.close();
}
const p99 = crowd?.tally.inputToSeen.quantile(0.99) ?? Number.NaN;
console.log(
  JSON.stringify({
    players,
    played: crowd?.tally.played ?? 0,
    lostSessions: crowd?.tally.lostSessions ?? 0,
    p99Ms: Number.isNaN(p99) ? null : Math.round(p99 * 10) / 10,
    recoverySeconds: outcome.recoverySeconds,
    purchases: outcome.purchases,
    lost: outcome.books?.lost ?? null,
    doubled: outcome.books?.doubled ?? null,
    booksBalance: outcome.books?.booksBalance ?? false,
    steps: steps.results,
  }),
);
// LEAVE frames go out before the process ends.
await sleep(300);
process.exit(steps.allOk ? 0 : 1);
