/** An I/O thread on a zone that is stepped by hand, with connections that write down what happens to them. */
import { encodeHello } from "../../protocol/frames.ts";
import { Stance } from "../scheduler/effects.ts";
import { counters, Samples } from "../shared-stats.ts";
import { zoneMemory } from "../simulation/memory.ts";
import { compileGame } from "../simulation/schema.ts";
import { SimulatedZone } from "../simulation/zone.ts";
import type { Connection } from "../transport/connection.ts";
import { IoThread } from "../transport/io-thread.ts";
import { type FromTransport, TRANSPORT_COUNTERS, type WelcomeStart } from "../transport/messages.ts";
import { game } from "./arena-game.ts";

const schema = compileGame(game.declaration);
const SLOTS = 4;

/** `backlog` is what the peer has not read. */
export class FakeConnection {
  readonly id: number;
  readonly openedAt = performance.now();
  readonly written: Uint8Array[] = [];
  backlog = 0;
  open = true;
  paused = false;
  code: number | undefined;

  constructor(id: number) {
    this.id = id;
  }

  get openOrUpgrading(): boolean {
    return this.open;
  }

  close(code: number): void {
    this.code ??= code;
    this.open = false;
  }

  write(bytes: Uint8Array): void {
    this.written.push(bytes.slice());
  }

  send(bytes: Uint8Array): void {
    this.write(bytes);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  sweep(): void {}
}

export function ioThread() {
  const told: FromTransport[] = [];
  const stats = counters(TRANSPORT_COUNTERS);
  const stance = new Stance();
  const io = new IoThread(schema, stats, new Samples(), (message) => told.push(message), { stance });
  const memory = zoneMemory(schema, SLOTS);
  const entities = new Map<number, number>();
  const zone = new SimulatedZone(game, schema, "sol", SLOTS, memory.buffer, () => {});
  zone.open(0);
  io.obey({ type: "openZone", zone: 1, slots: SLOTS, buffer: memory.buffer });
  let tick = 0;
  const run = (ticks: number) => {
    for (let i = 0; i < ticks; i++) {
      zone.step(0);
      io.tick(++tick);
    }
  };
  const connect = (id: number) => {
    const connection = new FakeConnection(id);
    io.add(connection as unknown as Connection);
    return connection;
  };
  const say = (connection: FakeConnection, message: Uint8Array) => {
    // As a connection does: the bytes are its own, and are written over after the call.
    const bytes = Buffer.from(message);
    io.onMessage(connection as unknown as Connection, bytes);
    bytes.fill(0);
  };
  const seat = (slot: number, role: "player" | "spectator" = "player") => {
    const connection = connect(slot + 1);
    say(connection, encodeHello({ mode: "ticket", lastSeq: 0, token: "t" }));
    const entity = role === "player" ? (zone.join(slot, slot) ?? 0) : 0;
    entities.set(slot, entity);
    const welcome = { entity, role, resumed: false, game: schema.descriptor } as WelcomeStart;
    const session = `s${slot}`;
    io.obey({
      type: "admit",
      connection: connection.id,
      session,
      zone: 1,
      slot,
      lastSeq: 0,
      carry: undefined,
      welcome,
    });
    return connection;
  };
  return { io, told, stats, stance, memory, zone, entities, run, connect, say, seat };
}
