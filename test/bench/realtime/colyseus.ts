/**
 * The other side: the bench's world in one Colyseus 0.18 room, in its best case. `StateView` per client, quantised
 * fields, a patch right after every second step (10 Hz), interest by a grid in user code, looked up at every fourth
 * patch in turn; inputs as raw bytes; its own pings off. Movement only, at 20 Hz: no collisions, no thinking (ours has
 * both).
 *
 * Why the patch is made by hand: on a timer of its own (`patchRate`) it shows a step up to 50 ms old, and a p99 of 50 ms
 * is missed by an empty room. Made with the step it shows what has just come about, as ours does.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Client, matchMaker, Room, Server } from "@colyseus/core";
import { type MapSchema, type SchemaType, StateView, schema, t } from "@colyseus/schema";
import { WebSocketTransport } from "@colyseus/ws-transport";
import { Grid } from "../../../gameserver/physics/grid.ts";
import { seededRandom } from "../../../platform/random.ts";
import { monotonicMs } from "../../bots/lean/herd.ts";
import type { FromServer, ToServer } from "./messages.ts";
import { placeOf, worldOf } from "./world.ts";

const players = Number(process.env.GAMEFLEET_BENCH_PLAYERS ?? 500);
const world = worldOf(players);
const RADIUS = 40;
const CAP = 64;
const LEASH = 30;
const STEP_HZ = 20;
const PATCH_STEPS = 2;
const REFRESH_PATCHES = 4;

const Walker = schema({
  x: t.quantized({ min: 0, max: world.side, bits: 16 }),
  y: t.quantized({ min: 0, max: world.side, bits: 16 }),
  heading: t.quantized({ min: 0, max: Math.PI * 2, mode: "wrap", bits: 8 }),
  hp: t.uint8(),
});
type Walker = SchemaType<typeof Walker>;
const World = schema({ tick: t.uint32().default(0), walkers: t.map(Walker).view() });

interface Body {
  readonly walker: Walker;
  readonly homeX: number;
  readonly homeY: number;
  vx: number;
  vy: number;
}

const tell = (message: FromServer) => process.send?.(message);
const random = seededRandom(11);

class CrowdsRoom extends Room {
  override state = new World();
  override maxClients = 100_000;
  override autoDispose = false;
  override seatReservationTimeout = 120;
  override maxMessagesPerSecond = Number.POSITIVE_INFINITY;
  readonly bodies: Body[] = [];
  readonly #grid = new Grid(world.side, world.side, RADIUS, players + world.npcs);
  readonly #bodyOf = new Map<string, Body>();
  readonly #seen = new Map<string, Set<Body>>();
  readonly #xs = new Float32Array(players + world.npcs);
  readonly #ys = new Float32Array(players + world.npcs);
  readonly #kinds = new Uint8Array(players + world.npcs);
  #patch = 0;
  #ticks: number[] = [];

  override onCreate(): void {
    for (let n = 0; n < world.npcs; n++) {
      this.#body(`n${n}`, random() * world.side, random() * world.side);
    }
    this.onMessageBytes(0, (client: Client, bytes: Uint8Array) => {
      const body = this.#bodyOf.get(client.sessionId);
      if (!body) return;
      body.vx = ((bytes[0] ?? 100) - 100) / 20;
      body.vy = ((bytes[1] ?? 100) - 100) / 20;
      if (body.vx !== 0 || body.vy !== 0) body.walker.heading = turn(Math.atan2(body.vy, body.vx));
    });
    this.setFixedTimestep(({ dt }) => this.#step(dt), STEP_HZ);
    this.patchRate = null;
  }

  override onJoin(client: Client): void {
    const seed = Math.floor(random() * 2 ** 32);
    const { x, y } = placeOf(world, seed);
    const body = this.#body(client.sessionId, x, y);
    this.#bodyOf.set(client.sessionId, body);
    this.#seen.set(client.sessionId, new Set());
    client.view = new StateView();
    this.#build();
    this.#look(client);
  }

  override onLeave(client: Client): void {
    this.#bodyOf.delete(client.sessionId);
    this.#seen.delete(client.sessionId);
  }

  /** Just before a patch: who sees whom, a quarter of the clients each time. */
  override onBeforePatch(): void {
    this.#build();
    this.#patch += 1;
    for (const [index, client] of this.clients.entries()) {
      if ((index + this.#patch) % REFRESH_PATCHES === 0) this.#look(client);
    }
  }

  #body(key: string, x: number, y: number): Body {
    const walker = new Walker({ x, y, heading: 0, hp: 100 });
    (this.state.walkers as MapSchema<Walker>).set(key, walker);
    const body = { walker, homeX: x, homeY: y, vx: 0, vy: 0 };
    this.bodies.push(body);
    return body;
  }

  #step(seconds: number): void {
    for (const [index, body] of this.bodies.entries()) {
      const { walker } = body;
      // NPCs wander; players go where they are told, on a leash.
      if (index < world.npcs && random() < 0.1) {
        const angle = random() * Math.PI * 2;
        body.vx = Math.cos(angle) * 2;
        body.vy = Math.sin(angle) * 2;
        walker.heading = turn(angle);
      }
      if (body.vx === 0 && body.vy === 0) continue;
      const dx = body.homeX - walker.x;
      const dy = body.homeY - walker.y;
      const far = Math.hypot(dx, dy);
      if (far > LEASH) {
        body.vx = (dx / far) * 5;
        body.vy = (dy / far) * 5;
      }
      walker.x = clamp(walker.x + body.vx * seconds);
      walker.y = clamp(walker.y + body.vy * seconds);
    }
    this.state.tick += 1;
    this.#ticks.push(this.state.tick, monotonicMs());
    if (this.state.tick % PATCH_STEPS === 0) this.broadcastPatch();
    if (this.#ticks.length < 40) return;
    tell({ type: "ticks", ticks: this.#ticks });
    this.#ticks = [];
  }

  #build(): void {
    for (const [index, { walker }] of this.bodies.entries()) {
      this.#xs[index] = walker.x;
      this.#ys[index] = walker.y;
      this.#kinds[index] = 1;
    }
    this.#grid.build(this.#xs, this.#ys, this.#kinds, this.bodies.length);
  }

  #look(client: Client): void {
    const own = this.#bodyOf.get(client.sessionId);
    const seen = this.#seen.get(client.sessionId);
    const { view } = client;
    if (!own || !seen || !view) return;
    const found: { readonly body: Body; readonly square: number }[] = [];
    this.#grid.around(own.walker.x, own.walker.y, RADIUS, (index) => {
      const dx = (this.#xs[index] as number) - own.walker.x;
      const dy = (this.#ys[index] as number) - own.walker.y;
      const square = dx * dx + dy * dy;
      if (square <= RADIUS * RADIUS) found.push({ body: this.bodies[index] as Body, square });
    });
    if (found.length > CAP) found.sort((a, b) => a.square - b.square).length = CAP;
    const wanted = new Set(found.map(({ body }) => body));
    for (const body of seen) {
      if (wanted.has(body)) continue;
      view.remove(body.walker);
      seen.delete(body);
    }
    for (const body of wanted) {
      if (seen.has(body)) continue;
      view.add(body.walker);
      seen.add(body);
    }
  }
}

const clamp = (value: number) => Math.min(world.side, Math.max(0, value));
const turn = (angle: number) => (angle + Math.PI * 2) % (Math.PI * 2);

const http = createServer();
const transport = new WebSocketTransport({ server: http, pingInterval: 0 });
const server = new Server({ transport, greet: false, gracefullyShutdown: false });
server.define("crowds", CrowdsRoom);
await server.listen(0, "127.0.0.1");
const { port } = http.address() as AddressInfo;
const { roomId, processId } = await matchMaker.createRoom("crowds", {});
tell({ type: "listening", port });

/** Places for `count` players, as the paths to connect to. */
async function reserve(count: number): Promise<void> {
  const paths: string[] = [];
  for (let n = 0; n < count; n++) {
    const seat = await matchMaker.joinById(roomId, {});
    paths.push(`/${processId}/${roomId}?sessionId=${seat.sessionId}`);
  }
  tell({ type: "paths", paths });
}

process.on("message", (message: ToServer) => {
  if (message.type === "reserve") void reserve(message.count);
  else {
    const room = matchMaker.getLocalRoomById(roomId) as unknown as CrowdsRoom;
    const walkers = [...(room.state.walkers as MapSchema<Walker>).entries()];
    tell({
      type: "truth",
      tick: room.state.tick,
      xs: walkers.map(([, walker]) => walker.x),
      ys: walkers.map(([, walker]) => walker.y),
      ids: walkers.map(([key]) => key),
    });
  }
});
process.on("disconnect", () => process.exit(0));
