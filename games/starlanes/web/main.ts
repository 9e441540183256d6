/**
 * Starlanes in a browser: one page, a canvas, the SDK.
 *
 * `?zone=sol` asks for a zone. The page asks its own server for a place (`POST /play`), connects straight to the pod, and leaves everything that
 * can happen to a connection to the SDK: a lost pod shows as "resuming", and then the game goes on.
 */
import { drawBody } from "./bodies.ts";
import { applyCamera, lookAt } from "./camera.ts";
import { Controls, type Wish } from "./controls.ts";
import { showDebugHandle } from "./debug.ts";
import { Effects } from "./effects.ts";
import { MiniMap } from "./mini-map.ts";
import { element, Panel } from "./panel.ts";
import { Pilot } from "./pilot.ts";
import { askForPlace } from "./place.ts";
import { type Body, Scene } from "./scene.ts";
import { allocatorResume, connect, type GameEvent, type Player, type View } from "./sdk.ts";
import { drawSpace, type Zone } from "./space.ts";
import { Ticker, wordsOf } from "./ticker.ts";

const pen = penOf("space");
const map = new MiniMap(penOf("map"));
const controls = new Controls(pen.canvas);
const panel = new Panel();
const ticker = new Ticker(element("ticker"));
const pilot = new Pilot();
const effects = new Effects();
const scene = new Scene();

const NOWHERE: Zone = { width: 1_000, height: 1_000, interest: 120 };
const IDLE: Wish = { thrust: 0, turn: 0, fire: false };
let player: Player | undefined;
let bodies: readonly Body[] = [];
/** Where the camera looks: the own ship, or where it was when it was last seen. */
let eye = { x: 500, y: 500, heading: 0 };

async function play(): Promise<void> {
  say("finding a place…", false);
  const { place, namespace, fleet } = await askForPlace(new URLSearchParams(location.search).get("zone"));
  const joined = connect(place, { resume: allocatorResume({ url: location.origin, namespace, fleet }) });
  player = joined;
  joined.on("welcome", (view) => {
    scene.begin(view);
    pilot.forget();
    map.clear();
    say("", false);
  });
  joined.on("update", (view) => scene.update(view, performance.now()));
  joined.on("event", (event) => onEvent(event, joined.view));
  joined.on("state", (state, detail) => {
    if (state === "resuming") say("resuming…", false);
    if (state === "ended") say(`this session has ended: ${detail}`, true);
  });
}

function onEvent(event: GameEvent, view: View | undefined): void {
  if (!view) return;
  const words = wordsOf(event, view);
  const own = view.welcome.entity;
  const { target, by } = event.fields;
  if (words) ticker.say(words, target === own || by === own);
  // Where it is on the screen just now: a destroyed ship starts anew elsewhere with the next update.
  const struck = bodies.find((body) => body.id === target);
  if (struck) effects.burst(struck.x, struck.y, event.kind === "destroyed", performance.now());
}

function frame(now: number): void {
  requestAnimationFrame(frame);
  bodies = scene.bodies(now);
  const own = bodies.find((body) => body.own);
  if (own) eye = own;
  const wish = own ? controls.wish(own.heading) : IDLE;
  if (player?.state === "playing") pilot.fly(player, wish, now);
  draw(now, wish);
  tell();
}

function draw(now: number, wish: Wish): void {
  const zone = player?.view?.welcome.game ?? NOWHERE;
  const camera = lookAt(pen.canvas, eye.x, eye.y);
  drawSpace(pen, camera, zone);
  applyCamera(pen, camera);
  // Stations lie under ships, the own ship on top.
  const order = (body: Body) => (body.kind === "station" ? 0 : body.own ? 2 : 1);
  for (const body of [...bodies].sort((a, b) => order(a) - order(b)))
    drawBody(pen, body, now / 1_000, wish.thrust);
  effects.draw(pen, now);
  map.draw(bodies, zone);
}

function tell(): void {
  const welcome = player?.view?.welcome;
  const values = player?.view?.own?.values;
  panel.show({
    state: player?.state ?? "connecting",
    pod: welcome?.server.split("/").at(-1) ?? "–",
    zone: welcome?.zone ?? "–",
    ships: bodies.filter(({ kind }) => kind === "ship").length,
    drones: bodies.filter(({ kind }) => kind === "drone").length,
    latencyMs: player?.latencyMs,
    hull: values?.hull ?? 0,
    fuel: values?.fuel ?? 0,
  });
}

/** Words across the screen; with a button to play again when it is over. */
function say(text: string, over: boolean): void {
  element("message").hidden = text === "";
  element("message-text").textContent = text;
  element("again").hidden = !over;
}

function begin(): void {
  play().catch((error: unknown) => say(error instanceof Error ? error.message : String(error), true));
}

function penOf(id: string): CanvasRenderingContext2D {
  const canvas = element(id);
  const found = canvas instanceof HTMLCanvasElement ? canvas.getContext("2d") : null;
  if (!found) throw new Error("this browser has no canvas");
  return found;
}

element("again").addEventListener("click", begin);
// A closed page frees its seat at once instead of after the server's patience.
addEventListener("pagehide", () => player?.close());
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) begin();
});
showDebugHandle(() => ({ player, bodies }));
requestAnimationFrame(frame);
begin();
